"""What a language model may ask, over the Model Context Protocol."""
