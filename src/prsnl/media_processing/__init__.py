"""The media_processing queue: what is said and shown."""
