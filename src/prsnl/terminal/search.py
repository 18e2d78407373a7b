"""`./prsnl search`: what was found, where, and the address that opens it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.terminal.reaching import reached
from prsnl.terminal.summary import count, day, one_line
from prsnl.wire.access import Scope
from prsnl.wire.search import FoundBy, Hit, SearchAnswer, SearchQuery, Snippet

#: So long a first search waits for the one by meaning; it takes a second or two.
_PATIENCE_S: Final = 8.0
_TITLE_CHARACTERS: Final = 90
_FACTS_CHARACTERS: Final = 200


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was typed."""

    words: list[str]
    is_json: bool = False
    kind: str | None = None
    document_type: str | None = None
    tags: list[str] | None = None
    category: str | None = None
    dated_from: str | None = None
    dated_to: str | None = None
    limit: int = 10
    server: str | None = None

    def query(self) -> SearchQuery:
        """As it is asked.

        Raises:
            BadRequestError: A date is none, or the query is too long or empty.
        """
        given = {
            "q": " ".join(self.words),
            "kind": self.kind,
            "document_type": self.document_type,
            "tag": self.tags or [],
            "category": self.category,
            "from": self.dated_from,
            "to": self.dated_to,
            "limit": self.limit,
        }
        try:
            return SearchQuery.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else "the query"
            raise BadRequestError(
                f"--{name} is wrong: {first['msg'].removeprefix('Value error, ')}."
                if name != "q"
                else "Say what to look for, in at most 500 characters."
            ) from error


def main(wanted: Wanted) -> int:
    """Search, and print what was found; 1 if nothing was."""
    query, settings = wanted.query(), Settings.read()
    with reached(
        settings,
        wanted.server,
        what="prsnl search",
        is_quiet=wanted.is_json,
        needed=(Scope.READ,),
    ) as client:
        told = client.search(query, patience_s=_PATIENCE_S)
        # The server of this command alone opens nothing when it has ended.
        lasting = servers.running(settings, is_lasting=True)
        is_lasting = lasting is not None or bool(
            wanted.server or settings.server.server
        )
        server = client.server if is_lasting else None
        if wanted.is_json:
            print_lines(_with_addresses(told, server or "").model_dump_json())
        else:
            _show(told, server)
    return 0 if told.hits else 1


def _with_addresses(told: SearchAnswer, server: str) -> SearchAnswer:
    hits = [hit.model_copy(update={"url": f"{server}{hit.url}"}) for hit in told.hits]
    return told.model_copy(update={"hits": hits})


def _show(told: SearchAnswer, server: str | None) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for correction in told.corrections:
        console.print(
            Text(f"Nothing holds {correction.typed}: looked for {correction.used}.")
        )
    for number, hit in enumerate(told.hits, start=1):
        for line in _lines(number, hit, server):
            console.print(line)
    if not told.hits:
        console.print("Nothing that was read holds that.")
    elif told.total > len(told.hits):
        console.print(f"{len(told.hits)} of {count(told.total, 'place')}.")
    if told.hits and server is None:
        console.print("Open them there: ./prsnl up, and ./prsnl open.")
    if told.only_words_because:
        sys.stderr.write(f"{told.only_words_because}\n")


def _lines(number: int, hit: Hit, server: str | None) -> Iterator[Text]:
    head = Text(f"{number:>2}  ")
    head.append(one_line(hit.title, characters=_TITLE_CHARACTERS), style="bold")
    facts = [hit.place.text, _day(hit.document_date), hit.document_type]
    facts.append("" if FoundBy.WORDS in hit.found_by else "by meaning")
    told = " · ".join(fact for fact in facts if fact)
    head.append(f" · {one_line(told, characters=_FACTS_CHARACTERS)}")
    yield head
    yield Text("    ").append_text(_marked(hit.snippet))
    if hit.doubt:
        yield Text(f"    {one_line(hit.doubt, characters=_FACTS_CHARACTERS)}")
    if server is not None:
        yield Text(f"    {server}{hit.url}", style="dim")
    if hit.more_in_item:
        yield Text(
            f"    and {count(hit.more_in_item, 'more place')} in it", style="dim"
        )


def _day(value: date | None) -> str:
    return "" if value is None else day(value)


def _marked(snippet: Snippet) -> Text:
    """The words around, with nothing in them that a terminal would obey."""
    plain = "".join(c if c.isprintable() else " " for c in snippet.text)
    text = Text(plain)
    for start, end in snippet.marks:
        text.stylize("bold yellow", start, end)
    return text
