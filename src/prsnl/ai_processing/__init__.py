"""The ai_processing queue: what a text is about."""
