"""What documents are sorted by: categories and document types, each described."""
