"""Finding again: by word and by meaning, to the exact place."""
