"""What does each job on this machine, how well, and what would be better."""
