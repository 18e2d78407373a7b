"""What the pool tells a launcher and a child; plain JSON both ways."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class NurseryOrder:
    """What one launcher and its nursery are for; their first frame."""

    #: Operation -> "module:function"; a child calls nothing else by name.
    operations: dict[str, str]
    #: "module" or "module:function", imported (and called) before the first fork.
    preload: tuple[str, ...]
    #: Folders of code, fonts and models that children may read.
    readable: tuple[str, ...]
    #: The folder that holds the children's scratch folders.
    scratch_root: str
    #: The user id to take, where the pool is root.
    user_id: int | None
    #: Whether children may start programs.
    programs: bool
    #: Layers to leave out, as on a machine that lacks them.
    without: tuple[str, ...]

    def to_wire(self) -> dict[str, Any]:
        """The order as JSON."""
        return asdict(self)

    @classmethod
    def from_wire(cls, told: dict[str, Any]) -> Self:
        """The order that `to_wire` described."""
        return cls(**{**told, **_tuples(told, "preload", "readable", "without")})


@dataclass(frozen=True, kw_only=True)
class ChildOrder:
    """What one child may use."""

    #: Its own scratch folder, with inputs, outputs and temporary inside.
    scratch: str
    memory_bytes: int
    disk_bytes: int
    cpu_s: int
    nice: int
    open_files: int
    #: The largest answer in one frame.
    frame_bytes: int

    def to_wire(self) -> dict[str, Any]:
        """The order as JSON."""
        return asdict(self)

    @classmethod
    def from_wire(cls, told: dict[str, Any]) -> Self:
        """The order that `to_wire` described."""
        return cls(**told)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a child ended, told by its nursery, which the child cannot reach."""

    #: The signal that ended it, or None.
    signal: int | None
    #: Its exit status, where no signal ended it.
    status: int | None
    #: Most resident memory it ever had, in bytes.
    peak_memory_bytes: int
    #: Processor time it used, in seconds.
    cpu_s: float

    def to_wire(self) -> dict[str, Any]:
        """The ending as JSON."""
        return asdict(self)

    @classmethod
    def from_wire(cls, told: dict[str, Any]) -> Self:
        """The ending that `to_wire` described."""
        return cls(**told)


def _tuples(told: dict[str, Any], *names: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(told[name]) for name in names}
