"""GET /search and /items/{id}/similar: what was found, marked, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response
from markupsafe import Markup
from pydantic import ValidationError

from prsnl.core.errors import BadRequestError
from prsnl.dashboard import store, words
from prsnl.dashboard.rendering import page
from prsnl.dashboard.routing import PageRoute
from prsnl.items import store as items
from prsnl.monitoring.endpoints import show_health
from prsnl.search.endpoints import Search
from prsnl.web.dependencies import Caller, Parts, Shared
from prsnl.wire.search import (
    LONGEST_QUERY,
    FoundBy,
    Hit,
    SearchAnswer,
    SearchQuery,
    Snippet,
)

_TITLES: Final = {
    "kind": "Kind",
    "document_type": "Type",
    "category": "Category",
    "tag": "Tag",
    "year": "Year",
}
_VALUES_SHOWN: Final = 6
_SEVERAL: Final = 2

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True)
class Choice:
    """A value that narrows a search, or widens it again."""

    value: str
    items: int | None
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Asked:
    """What the address asks for."""

    q: str
    chosen: dict[str, str]
    cursor: str | None

    def query(self) -> SearchQuery:
        """As the API is asked.

        Raises:
            ValidationError: It makes no sense.
        """
        given: dict[str, object] = {**self.chosen, "q": self.q, "cursor": self.cursor}
        if year := given.pop("year", None):
            given |= {"from": f"{year}-01-01", "to": f"{year}-12-31"}
        if tag := given.pop("tag", None):
            given["tag"] = [tag]
        return SearchQuery.model_validate(given)

    def href(self, **changed: str | None) -> str:
        """The address with something changed; None leaves it out."""
        values = {"q": self.q, **self.chosen, **changed}
        kept = {name: value for name, value in values.items() if value}
        return f"/search?{urlencode(kept)}"

    def choices(self, told: SearchAnswer) -> dict[str, list[Choice]]:
        """What narrows it further, and what narrows it now, by title."""
        made: dict[str, list[Choice]] = {}
        is_one_item = len({hit.item_id for hit in told.hits}) < _SEVERAL
        for name, title in _TITLES.items():
            if name in self.chosen:
                value = self.chosen[name]
                back = self.href(**{name: None})
                made[title] = [Choice(value, None, back, is_chosen=True)]
                continue
            found = told.facets.get(name, [])[:_VALUES_SHOWN]
            if len(found) > 1 and not is_one_item:
                made[title] = [
                    Choice(
                        one.value,
                        one.items,
                        self.href(**{name: one.value}),
                        is_chosen=False,
                    )
                    for one in found
                ]
        return made


@router.get("/search")
def show_search(
    parts: Parts,
    owner: Caller,
    search: Search,
    q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "",
    *,
    kind: Annotated[str, Query(max_length=50)] = "",
    document_type: Annotated[str, Query(max_length=100)] = "",
    category: Annotated[str, Query(max_length=200)] = "",
    tag: Annotated[str, Query(max_length=100)] = "",
    year: Annotated[str, Query(pattern=r"^(\d{4})?$")] = "",
    item: Annotated[UUID | None, Query()] = None,
    cursor: Annotated[str | None, Query(max_length=4000)] = None,
) -> Response:
    """What was found; without a query how to ask."""
    given = {
        "kind": kind,
        "document_type": document_type,
        "category": category,
        "tag": tag,
        "year": year,
        "item": str(item) if item else "",
    }
    chosen = {name: value for name, value in given.items() if value}
    asked = Asked(q.strip(), chosen, cursor)
    told, said = None, ""
    if asked.q:
        try:
            told = search.search(asked.query(), owner=owner)
        except BadRequestError as error:
            said = error.message
        except ValidationError:
            said = "That cannot be looked for: leave out what narrows it."
    return _answer(
        parts,
        owner,
        {
            "asked": asked,
            "told": told,
            "said": said,
            "choices": asked.choices(told) if told else {},
        },
    )


@router.get("/items/{item_id}/similar")
def show_similar(
    item_id: UUID, parts: Parts, owner: Caller, search: Search
) -> Response:
    """Items that say something like one."""
    found = parts.database.run(
        lambda connection: items.item(connection, item_id, owner=owner)
    )
    hits = search.similar(item_id, limit=20, owner=owner).hits
    asked = Asked("", {}, None)
    return _answer(parts, owner, {"asked": asked, "like": found, "hits": hits})


def marked(snippet: Snippet) -> Markup:
    """The words around what was found, which is marked; all else escaped."""
    made, place = Markup(), 0
    for start, end in snippet.marks:
        made += snippet.text[place:start]
        made += Markup("<mark>{}</mark>").format(snippet.text[start:end])
        place = end
    return made + snippet.text[place:]


def _by_meaning(hit: Hit) -> bool:
    return FoundBy.WORDS not in hit.found_by


def _answer(parts: Shared, owner: str, values: dict[str, object]) -> Response:
    shown: dict[str, object] = {
        "told": None,
        "said": "",
        "like": None,
        "hits": [],
        "choices": {},
        "marked": marked,
        "by_meaning": _by_meaning,
        "words": words,
        "problems": show_health(parts).problems,
        "max_bytes": parts.limits.upload_max_bytes,
        "counts": parts.database.run(
            lambda connection: store.counts(connection, owner=owner)
        ),
    }
    return page("search", {**shown, **values})
