"""Prompts are files: what a model is told, with a name, a version and a schema.

A file of the same name in the data folder's `prompts/` takes the place of ours, for the
instructions alone: what the answer has to be stays.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from prsnl.core.errors import SettingsError

FOLDER: Final = "prompts"
_FILE: Final = re.compile(r"\s*---\n(.*?)\n---\n(.*)", re.DOTALL)
_FIELD: Final = re.compile(r"([a-z_]+):[ \t]*(.*)")
_PLACE: Final = re.compile(r"\{\{(\w+)\}\}")
_MOST_BYTES: Final = 64 * 1024
_ANSWER_TOKENS: Final = range(16, 100_001)
_FINGERPRINT: Final = 12


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """What a model is told to do."""

    name: str
    #: What a kept answer depends on: "1", or "1+3f2a..." for one of the user's own.
    version: str
    #: The shape of its answer: a name in `ai_processing.answers.SCHEMAS`.
    schema: str
    #: `analysis` or `cheap`: which model answers.
    purpose: str
    #: An answer may have so many tokens.
    answer_tokens: int
    instructions: str

    def filled(self, values: Mapping[str, str]) -> str:
        """The instructions with their places filled.

        Raises:
            SettingsError: There is a place that nothing is known for.
        """

        def value(match: re.Match[str]) -> str:
            if match[1] not in values:
                raise SettingsError(
                    f"The prompt {self.name}.md in the data folder's {FOLDER}/ has the "
                    f"place {match[0]}, and only these are known here: "
                    f"{', '.join(f'{{{{{one}}}}}' for one in sorted(values))}."
                )
            return values[match[1]]

        return _PLACE.sub(value, self.instructions)

    @property
    def label(self) -> str:
        """Name and version: "analyze@1"."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Prompts:
    """The prompts in force."""

    #: Where the user's own are, if there are any.
    folder: Path | None = None
    _read: dict[str, tuple[tuple[int, int], Prompt]] = field(default_factory=dict)

    def get(self, name: str) -> Prompt:
        """A prompt; a file that was changed meanwhile is read anew.

        Raises:
            SettingsError: The user's own cannot be used; the message says why.
        """
        own = None if self.folder is None else self.folder / f"{name}.md"
        try:
            if own is None:
                return shipped(name)
            state = own.stat()
        except OSError:
            return shipped(name)
        seen = (state.st_mtime_ns, state.st_size)
        known = self._read.get(name)
        if known is None or known[0] != seen:
            known = self._read[name] = (seen, _own(name, own))
        return known[1]


@cache
def shipped(name: str) -> Prompt:
    """A prompt as it comes with the package."""
    text = files(__package__).joinpath(f"{name}.md").read_text(encoding="utf-8")
    return parsed(name, text)


def names() -> list[str]:
    """The names of all prompts."""
    found = (one.name for one in files(__package__).iterdir())
    return sorted(name.removesuffix(".md") for name in found if name.endswith(".md"))


def _own(name: str, path: Path) -> Prompt:
    ours = shipped(name)
    try:
        content = path.read_bytes()
        if len(content) > _MOST_BYTES:
            raise _wrong(name, f"is longer than {_MOST_BYTES} bytes")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(name, "is no readable file of UTF-8") from error
    told = parsed(name, text)
    if (told.schema, told.purpose) != (ours.schema, ours.purpose):
        raise _wrong(
            name,
            f"has another schema or purpose than ours ({ours.schema}, {ours.purpose}): "
            "what is read from the answer does not change with it",
        )
    mark = hashlib.sha256(content).hexdigest()[:_FINGERPRINT]
    return Prompt(**{**vars(told), "version": f"{told.version}+{mark}"})


def parsed(name: str, text: str) -> Prompt:
    """A prompt from its file's text.

    Raises:
        SettingsError: It is none; the message says why.
    """
    match = _FILE.fullmatch(text.replace("\r\n", "\n"))
    if match is None:
        raise _wrong(name, "does not begin with a head between two lines of ---")
    head: dict[str, str] = {}
    for line in match[1].splitlines():
        told = _FIELD.fullmatch(line)
        if told is None:
            raise _wrong(
                name, f"has a line in its head that is no `name: value`: {line}"
            )
        head[told[1]] = told[2].strip()
    missing = {"name", "version", "schema", "purpose", "answer_tokens"} - set(head)
    if missing:
        raise _wrong(name, f"does not say in its head: {', '.join(sorted(missing))}")
    if head["name"] != name:
        raise _wrong(name, f"calls itself {head['name']}")
    tokens = head["answer_tokens"]
    if not tokens.isdecimal() or int(tokens) not in _ANSWER_TOKENS:
        raise _wrong(name, "has no number between 16 and 100000 as answer_tokens")
    instructions = match[2].strip()
    if not instructions:
        raise _wrong(name, "has no instructions under its head")
    return Prompt(
        name=name,
        version=head["version"],
        schema=head["schema"],
        purpose=head["purpose"],
        answer_tokens=int(tokens),
        instructions=instructions,
    )


def _wrong(name: str, why: str) -> SettingsError:
    return SettingsError(
        f"The prompt {name}.md in the data folder's {FOLDER}/ {why}. Correct it, or "
        "move it away: then ours is used."
    )
