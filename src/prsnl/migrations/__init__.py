"""The schema, step by step; `./prsnl migrate` runs them."""
