"""The library below its endpoints."""
