"""Dependency manifests and lock files: which are known, and what each names.

Nothing is resolved, fetched or executed: what stands in the file is told.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from prsnl.core.errors import PrsnlError
from prsnl.engines import limits
from prsnl.engines.contracts import ChildFiles, Dependencies, Dependency, JsonObject
from prsnl.engines.documents.decoding import decode_text

#: Gives None for a text that only has a manifest's name.
Parser: TypeAlias = Callable[[str], Sequence[Dependency] | None]


@dataclass(frozen=True)
class Manifest:
    """One kind of file.

    Attributes:
        format: What it is called, in the result.
        name: Its file names; one that was saved with something before it counts, too.
        reader: "module:function" in this package; a child imports only what it needs.
    """

    format: str
    name: re.Pattern[str]
    reader: str


def _named(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?:.*[-_. ])?{pattern}", re.IGNORECASE)


def _exactly(name: str) -> re.Pattern[str]:
    return _named(re.escape(name))


MANIFESTS: Final = (
    Manifest(
        "requirements.txt",
        _named(r"requirements(?:[-_.][\w.-]{1,60})?\.(?:txt|in)"),
        "python:requirements",
    ),
    Manifest("pyproject.toml", _exactly("pyproject.toml"), "python:pyproject"),
    Manifest("poetry.lock", _exactly("poetry.lock"), "python:lock"),
    Manifest("uv.lock", _exactly("uv.lock"), "python:lock"),
    Manifest("pdm.lock", _exactly("pdm.lock"), "python:lock"),
    Manifest("Pipfile", _exactly("Pipfile"), "python:pipfile"),
    Manifest("Pipfile.lock", _exactly("Pipfile.lock"), "python:pipfile_lock"),
    Manifest("setup.cfg", _exactly("setup.cfg"), "python:setup_cfg"),
    Manifest("package.json", _exactly("package.json"), "javascript:package"),
    Manifest(
        "package-lock.json",
        _named(r"(?:package-lock|npm-shrinkwrap)\.json"),
        "javascript:package_lock",
    ),
    Manifest("yarn.lock", _exactly("yarn.lock"), "javascript:yarn_lock"),
    Manifest("pnpm-lock.yaml", _exactly("pnpm-lock.yaml"), "javascript:pnpm_lock"),
    Manifest("Cargo.toml", _exactly("Cargo.toml"), "rust:cargo"),
    Manifest("Cargo.lock", _exactly("Cargo.lock"), "rust:lock"),
    Manifest("go.mod", _exactly("go.mod"), "go:module"),
    Manifest("go.sum", _exactly("go.sum"), "go:sums"),
    Manifest("pom.xml", _exactly("pom.xml"), "java:pom"),
    Manifest("build.gradle", _named(r"build\.gradle(?:\.kts)?"), "java:gradle"),
    Manifest("Gemfile", _exactly("Gemfile"), "ruby:gemfile"),
    Manifest("Gemfile.lock", _exactly("Gemfile.lock"), "ruby:lock"),
    Manifest("composer.json", _exactly("composer.json"), "php:composer"),
    Manifest("composer.lock", _exactly("composer.lock"), "php:lock"),
)


def _kinds(file_name: str) -> list[Manifest]:
    return [one for one in MANIFESTS if one.name.fullmatch(file_name)]


def may_be(file_name: str) -> bool:
    """Whether a file of that name is worth a look."""
    return bool(_kinds(file_name))


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the `Dependencies` of `path`; nothing for what only has the name.

    Args:
        files: The child's folders.
        params: `path` in the inputs, and `file_name` as its owner calls it.
    """
    path = files.inputs / params["path"]
    if path.stat().st_size > limits.MANIFEST_BYTES:
        return
    text = decode_text(path.read_bytes())
    for kind in _kinds(str(params["file_name"])) if text is not None else ():
        assert text is not None
        found = _parsed(kind, text)
        if found is not None:
            yield _told(kind, found).model_dump(mode="json")
            return


def _parsed(kind: Manifest, text: str) -> Sequence[Dependency] | None:
    module, _, function = kind.reader.partition(":")
    parse: Parser = getattr(importlib.import_module(f"{__name__}.{module}"), function)
    try:
        return parse(text)
    except (ValueError, RecursionError, PrsnlError):  # it is something else, or broken
        return None


def _told(kind: Manifest, found: Sequence[Dependency]) -> Dependencies:
    unique = tuple(dict.fromkeys(found))
    warning = (
        f"The file names {len(unique)} dependencies: {limits.DEPENDENCIES} of them are "
        "listed."
    )
    return Dependencies(
        format=kind.format,
        dependencies=unique[: limits.DEPENDENCIES],
        warnings=(warning,) if len(unique) > limits.DEPENDENCIES else (),
    )
