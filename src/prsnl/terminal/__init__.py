"""What the commands do and print; loaded by `cli` only when a command needs it."""
