"""The fault harness: exact counters, for `prove`, `bench` and the tests."""
