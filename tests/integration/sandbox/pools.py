"""Pools over operations that misbehave."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from tests.saboteurs import sandbox_operations

MIB = 2**20
SABOTEURS = Path(sandbox_operations.__file__).parent
OPERATIONS = {
    name: f"sandbox_operations:{name}"
    for name, value in vars(sandbox_operations).items()
    if isinstance(value, FunctionType) and not name.startswith("_")
}
#: Long enough for a loaded machine, short enough for a test that fails.
TIMEOUT_S = 60.0

Settings = dict[str, Any]


@contextmanager
def pool(scratch_root: Path, **settings: Any) -> Iterator[SandboxPool]:
    """A pool with the profile "document"; `settings` go to whoever knows their name."""
    limits = _picked(ChildLimits, settings, disk_bytes=8 * MIB)
    profile = _picked(
        Profile,
        settings,
        memory_bytes=1536 * MIB,
        preload=("prsnl.engines.contracts",),
    )
    with SandboxPool(
        scratch_root=scratch_root,
        limits=limits,
        profiles={"document": profile},
        operations=OPERATIONS,
        source_folders=(SABOTEURS,),
        **settings,
    ) as made:
        yield made


def _picked(kind: Callable[..., Any], settings: Settings, **defaults: Any) -> Any:
    names = kind.__dataclass_fields__  # type: ignore[attr-defined]
    mine = {name: settings.pop(name) for name in list(settings) if name in names}
    return kind(**{**defaults, **mine})


def ask(pool: SandboxPool, operation: str, **params: Any) -> dict[str, Any]:
    """Run one operation in a child of its own."""
    with pool.child("document") as child:
        return child.call(operation, params, timeout_s=TIMEOUT_S)
