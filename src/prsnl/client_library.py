"""The library's and the overview's calls of the client."""
