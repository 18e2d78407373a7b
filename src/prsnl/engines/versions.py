"""Which engines are installed: what a kept result depends on beside its input."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def version_of(distribution: str) -> str:
    """The installed version, told without importing it; "none" if there is none."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "none"


def versions(*distributions: str) -> dict[str, str]:
    """The installed versions by name."""
    return {name: version_of(name) for name in distributions}
