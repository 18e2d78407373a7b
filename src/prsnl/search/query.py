"""What a person types: words, "phrases", -words, codes and numbers, word*."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import BadRequestError
from prsnl.engines.stop_words import STOP_WORDS
from prsnl.search.folding import fold, words

#: What is beyond these is not looked for.
MOST_TERMS: Final = 16
_PIECE: Final = re.compile(r'(-?)"([^"]*)"?|(\S+)')
_ENDS: Final = ".,:!?/_'*&=~+#%$€£§|;()[]{}<>„“”«»\u2018\u2019…"
_INNER: Final = re.compile(
    r"[a-z0-9\u0080-\uffff][-/_.@:+,#&*=~%$\\]+[a-z0-9\u0080-\uffff]"
)
_STOPS: Final = {
    language: frozenset(fold(word) for word in listed)
    for language, listed in STOP_WORDS.items()
}


@dataclass(frozen=True)
class Term:
    """One thing that is looked for.

    Attributes:
        typed: As it was typed.
        words: Its folded words, one after another.
        code: Folded with its signs; None for a word or a phrase.
        is_phrase: It was typed between quotes.
        is_prefix: It was typed with * at its end.
    """

    typed: str
    words: tuple[str, ...]
    code: str | None = None
    is_phrase: bool = False
    is_prefix: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether only what was typed will do: a phrase, a code, a number."""
        has_digit = any(letter.isdecimal() for word in self.words for letter in word)
        return self.is_phrase or has_digit or self._is_marked_code

    @property
    def _is_marked_code(self) -> bool:
        # A hyphen joins words of a language, too; other signs do not.
        return self.code is not None and bool(set(self.code) & set("@_/\\:+#=~$%"))

    @property
    def is_plain(self) -> bool:
        """Whether it is one word of a language, which may be misspelt or inflected."""
        return len(self.words) == 1 and not self.is_exact and not self.is_prefix

    def tsquery(self, stems: Iterable[str] = (), *, exact: bool = False) -> str:
        """It, in the words of the database.

        Args:
            stems: Of the one word that it is.
            exact: As printed alone, not as its signs might be left out.
        """
        phrase = " <-> ".join(_quoted(word) for word in self.words)
        if self.is_prefix:
            return f"({phrase}:*)"
        if self.code is None or self.is_phrase:
            others = [_quoted(stem) for stem in stems if not self.is_phrase]
            return f"({' | '.join(dict.fromkeys([f'({phrase})', *others]))})"
        ways = [_quoted(self.code)]
        if not exact:
            ways += [_quoted("".join(self.words)), f"({phrase})"]
        return f"({' | '.join(ways)})"


@dataclass(frozen=True)
class Query:
    """A query, understood.

    Attributes:
        text: As typed.
        terms: What is looked for.
        excluded: What must not stand there.
    """

    text: str
    terms: tuple[Term, ...]
    excluded: tuple[Term, ...]

    @property
    def meaning(self) -> str | None:
        """What is looked for by meaning; None where only what is printed counts."""
        if all(term.is_exact or term.is_prefix for term in self.terms):
            return None
        return " ".join(term.typed for term in self.terms)

    def meaningful(self, languages: Sequence[str]) -> tuple[Term, ...]:
        """The terms without those that carry no meaning, unless all are such."""
        stops = frozenset().union(
            *(_STOPS.get(one, frozenset()) for one in ("en", *languages))
        )
        kept = [
            term
            for term in self.terms
            if not (term.is_plain and (term.words[0] in stops))
        ]
        return tuple(kept) or self.terms

    def with_word(self, old: str, new: str) -> Query:
        """The query with another word in a word's place."""
        terms = tuple(
            Term(new, (new,)) if term.is_plain and term.words[0] == old else term
            for term in self.terms
        )
        text = re.sub(
            rf"(?i)(?<!\w){re.escape(old)}(?!\w)", lambda _: new, fold(self.text)
        )
        return Query(text, terms, self.excluded)


def parse(text: str) -> Query:
    """Understand what was typed.

    Raises:
        BadRequestError: There is nothing in it that could be looked for.
    """
    wanted: dict[tuple[str, ...], Term] = {}
    excluded: list[Term] = []
    for is_excluded, term in _terms(text):
        if is_excluded:
            excluded.append(term)
        else:
            wanted.setdefault((*term.words, str(term.is_phrase)), term)
    if not wanted:
        raise BadRequestError(
            "There is no word in this query to look for"
            + (": add one to those that are left out." if excluded else ".")
        )
    return Query(
        text.strip(), tuple(wanted.values())[:MOST_TERMS], tuple(excluded[:MOST_TERMS])
    )


def _terms(text: str) -> Iterator[tuple[bool, Term]]:
    for match in _PIECE.finditer(text):
        minus, phrase, piece = match.groups()
        if phrase is not None:
            is_excluded, typed = bool(minus), phrase
        else:
            # A single sign, and a negative number, exclude nothing.
            is_excluded = bool(re.match(r"-[^\W\d_]", piece))
            typed = piece[1:] if is_excluded else piece
        term = _term(typed, is_phrase=phrase is not None)
        if term is not None:
            yield is_excluded, term


def _term(typed: str, *, is_phrase: bool) -> Term | None:
    folded = fold(typed)
    found = tuple(words(folded))
    if not found:
        return None
    stripped = folded.strip(_ENDS + "-")
    is_code = not is_phrase and bool(_INNER.search(stripped))
    is_prefix = (
        not is_phrase and not is_code and typed.endswith("*") and len(found) == 1
    )
    return Term(
        typed.strip(_ENDS) or typed,
        found,
        code=stripped if is_code else None,
        is_phrase=is_phrase and len(found) > 1,
        is_prefix=is_prefix,
    )


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"
