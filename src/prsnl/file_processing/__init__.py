"""The file_processing queue: from a file to its text, page by page."""
