"""PRSNL: a file goes in, knowledge comes out."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prsnl.client import Client

__version__ = "0.1.0"

__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client at its first use: most programs here have none for it."""
    if name == "Client":
        from prsnl.client import Client  # noqa: PLC0415 - see above

        return Client
    raise AttributeError(f"module 'prsnl' has no attribute {name!r}")
