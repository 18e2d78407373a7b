"""Models that are fetched when the user asks for them, and kept in the data folder."""
