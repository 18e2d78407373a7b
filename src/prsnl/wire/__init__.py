"""What goes over HTTP: one model a body, for the server and for its client."""
