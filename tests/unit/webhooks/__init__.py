"""Webhooks, without a network."""
