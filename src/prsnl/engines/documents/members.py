"""The files in a mail or an archive, over all levels, each told what it is."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from prsnl.core.errors import PrsnlError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, FileType, JsonObject, Member
from prsnl.engines.documents import CONTAINERS, READERS, unread
from prsnl.engines.documents.identify import file_type
from prsnl.engines.media.signatures import KINDS as RECORDINGS

_BLOCK_BYTES: Final = 2**20


class _Source(Protocol):
    """One file in a container."""

    @property
    def name(self) -> str: ...

    def write(self, target: Path, *, at_most: int) -> int: ...


_Lister = Callable[[Path], Iterator[_Source]]


def members(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield a `Member` for each file in a container, also for what cannot be had.

    A container in a container is opened itself, so a tree of them comes as one list.
    What is left out has a `problem`; everything else lies in the outputs.

    Args:
        files: The child's folders.
        params: `path` in the inputs, and `kind` as `file.identify` told it.
    """
    path = files.inputs / params["path"]
    walk = _Walk(files.outputs)
    walk.seen.add(_hash(path))
    for one in walk.level(path, str(params["kind"]), "", depth=1):
        yield one.model_dump(mode="json")


@dataclass
class _Walk:
    """One container's tree, within its limits."""

    outputs: Path
    #: Hashes of what was handed on: the same file twice, and an archive that holds
    #: itself, end here.
    seen: set[str] = field(default_factory=set)
    count: int = 0
    written_bytes: int = 0

    def level(
        self, path: Path, kind: str, above: str, *, depth: int
    ) -> Iterator[Member]:
        """The files of one container, and of the containers in it."""
        lister: _Lister = importlib.import_module(CONTAINERS[kind]).members
        for source in lister(path):
            if self.count >= limits.MEMBERS:
                yield Member(
                    name=above or "the rest",
                    problem=f"only the first {limits.MEMBERS} files are taken in",
                )
                return
            self.count += 1
            name = f"{above}/{source.name}" if above else source.name
            yield from self._one(source, name, depth)

    def _one(self, source: _Source, name: str, depth: int) -> Iterator[Member]:
        target = self.outputs / f"member-{self.count}"
        left = limits.MEMBERS_BYTES - self.written_bytes
        try:
            size_bytes = source.write(target, at_most=min(left, limits.MEMBER_BYTES))
            told = file_type(target, name)
        except PrsnlError as error:
            target.unlink(missing_ok=True)
            yield Member(name=name, problem=error.message)
            return
        self.written_bytes += size_bytes
        sha256 = _hash(target)
        if sha256 in self.seen:
            target.unlink()
            return
        self.seen.add(sha256)
        # Opened before it is told: who is told of a file takes it away.
        inside = list(self._inner(target, told, name, depth))
        if told.kind in READERS or told.kind in RECORDINGS:
            yield Member(
                name=name, output=target.name, sha256=sha256, size_bytes=size_bytes
            )
        else:
            yield Member(name=name, problem=f"{unread(told.description)}.")
        yield from inside

    def _inner(
        self, path: Path, told: FileType, name: str, depth: int
    ) -> Iterator[Member]:
        if told.kind not in CONTAINERS:
            return
        if depth >= limits.MEMBER_DEPTH:
            yield Member(
                name=name,
                problem=f"it lies {depth} levels deep: the files in it are not read",
            )
            return
        try:
            yield from self.level(path, told.kind, name, depth=depth + 1)
        except PrsnlError as error:
            yield Member(name=name, problem=error.message)


def _hash(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            made.update(block)
    return made.hexdigest()
