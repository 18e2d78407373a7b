"""Who is let in: keys, one-use links, and the sessions of browsers."""
