"""The web page: drop files, see them move, read what came of them."""
