"""The shape of a taxonomy: what a file or a request may say, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from prsnl.core.texts import ShortText, storable
from prsnl.engines.contracts import Value

#: What is told instead of a guess that is not sure enough; no category's name.
UNCATEGORISED: Final = "uncategorised"
MOST_CATEGORIES: Final = 200
MOST_TYPES: Final = 100
_MOST_CUES: Final = 300
#: The taxonomy goes into each question to a child.
_MOST_CUES_IN_ALL: Final = 10_000
#: Words with a star at either end; a ^ before all of it, a $ behind.
#: White space is named: what `\s` means differs between those who read the pattern.
_SPACE: Final = r"[ \t\n\r\f\v]"
_WORD: Final = r"\*?[^ \t\n\r\f\v*^$\u0000]+\*?"
_CUE: Final = rf"^{_SPACE}*\^?{_WORD}(?:{_SPACE}+{_WORD})*\$?{_SPACE}*$"
_CUE_FORM: Final = re.compile(_CUE.removesuffix("$"))
_SPACES: Final = re.compile(rf"{_SPACE}+")


def _name(given: str) -> str:
    name = " ".join(given.split())
    if not name:
        raise ValueError("a name has letters")
    return name


def _cue(given: str) -> str:
    if _CUE_FORM.fullmatch(given) is None:
        raise ValueError(
            "a star stands at the beginning or the end of a word, a ^ before all of "
            "it, a $ behind all of it"
        )
    return _SPACES.sub(" ", given).strip(" ")


def _listed(given: Any) -> Any:
    """Without what is there twice, in the order given."""
    if isinstance(given, list | tuple) and all(isinstance(each, str) for each in given):
        return list(dict.fromkeys(given))
    return given


Name: TypeAlias = Annotated[
    ShortText, StringConstraints(max_length=60), AfterValidator(_name)
]
Description: TypeAlias = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"}),
    AfterValidator(storable),
]
#: A word or a phrase; see the head of `default.toml` for its signs.
Cue: TypeAlias = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80),
    Field(json_schema_extra={"pattern": _CUE}),
    AfterValidator(storable),
    AfterValidator(_cue),
]
Cues: TypeAlias = Annotated[
    tuple[Cue, ...], BeforeValidator(_listed), Field(max_length=_MOST_CUES)
]


class CategoryDefinition(Value):
    """What a category is about."""

    name: Name
    description: Description = Field(
        description="A sentence: texts are compared with it by their meaning."
    )
    words: Cues = Field((), description="What such texts say.")


class TypeDefinition(Value):
    """What a sort of document looks like."""

    name: Name
    description: Description = Field(
        description="A sentence: texts are compared with it by their meaning."
    )
    names: Cues = Field(
        (), description="What it calls itself in its title or its file's name."
    )
    signs: Cues = Field((), description="Words that hardly any other document has.")
    words: Cues = Field((), description="Words that such a document often has.")
    kinds: Cues = Field(
        (),
        description="Kinds of file, or endings of names, that are one by themselves.",
    )
    category: Name | None = Field(
        None, description="The category that such a document speaks for."
    )


class Taxonomy(Value):
    """Everything that one owner's documents are sorted by."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "categories": [
                        {
                            "name": "garden",
                            "description": "Plants, seeds, soil and the allotment.",
                            "words": ["garden*", "compost", "allotment"],
                        }
                    ],
                    "document_types": [
                        {
                            "name": "seed list",
                            "description": "A list of seeds with sowing times.",
                            "names": ["seed list"],
                            "signs": ["sow from"],
                        }
                    ],
                }
            ]
        }
    )

    categories: tuple[CategoryDefinition, ...] = Field(max_length=MOST_CATEGORIES)
    document_types: tuple[TypeDefinition, ...] = Field(max_length=MOST_TYPES)

    def contradiction(self) -> str | None:
        """What in it cannot be, as a whole: half a sentence; None where all can."""
        for what, names in (
            ("categories", [one.name for one in self.categories]),
            ("document types", [one.name for one in self.document_types]),
        ):
            if twice := _twice(names):
                return f"two {what} are called {twice}"
        if self.category(UNCATEGORISED):
            return (
                f"no category can be called {UNCATEGORISED}, which is what is told of "
                "a text that fits nothing"
            )
        for one in self.document_types:
            if one.category is not None and self.category(one.category) is None:
                return (
                    f"the document type {one.name} speaks for the category "
                    f"{one.category}, and there is none"
                )
        if self._words > _MOST_CUES_IN_ALL:
            return f"it has {self._words} words, and {_MOST_CUES_IN_ALL} may be"
        return None

    @property
    def _words(self) -> int:
        return sum(
            len(cues)
            for one in (*self.categories, *self.document_types)
            for cues in vars(one).values()
            if isinstance(cues, tuple)
        )

    def type_named(self, name: str | None) -> TypeDefinition | None:
        """The document type of a name."""
        return next((one for one in self.document_types if one.name == name), None)

    def category(self, name: str) -> CategoryDefinition | None:
        """The category of a name, however it is capitalised."""
        folded = name.casefold()
        found = (one for one in self.categories if one.name.casefold() == folded)
        return next(found, None)


def _twice(names: Iterable[str]) -> str | None:
    """A name that is there twice, however it is capitalised."""
    seen: set[str] = set()
    for name in names:
        if name.casefold() in seen:
            return name
        seen.add(name.casefold())
    return None
