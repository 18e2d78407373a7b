"""What may be asked of the media_processing queue."""
