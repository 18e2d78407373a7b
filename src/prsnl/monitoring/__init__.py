"""What tasks do now: status, lists, cancel, retry, and the service's own health."""
