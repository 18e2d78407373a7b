"""Webhooks, with a receiver that listens."""
