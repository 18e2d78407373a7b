"""One file a step, named by its number; 0003 is none, so 0004 follows 0002."""
