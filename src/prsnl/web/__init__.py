"""What every endpoint stands on: who asks, what is shared, how errors look."""
