"""One file a step, named by its number. No step is 0003 or 0025."""
