"""PRSNL: a file goes in, knowledge comes out."""

__version__ = "0.1.0"
