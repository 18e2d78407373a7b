"""Items and their files over HTTP."""
