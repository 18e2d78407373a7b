"""Items and their files, shared by all queues."""
