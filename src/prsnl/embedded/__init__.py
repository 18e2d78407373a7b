"""The embedded stack: real PostgreSQL and Valkey under one supervisor."""
