"""Messages to addresses of the owner's, when work ends."""
