"""GET /search and /items/{id}/similar: what was found, marked, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Response
from markupsafe import Markup
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from prsnl.core.db import Db
from prsnl.core.errors import BadRequestError
from prsnl.dashboard.framing import framed
from prsnl.dashboard.routing import PageRoute
from prsnl.dashboard.words import KINDS
from prsnl.items import listing
from prsnl.items import store as items
from prsnl.items.listing import ItemQuery
from prsnl.items.models import ItemView
from prsnl.search import collections
from prsnl.search.endpoints import Search
from prsnl.web.dependencies import Caller, Parts
from prsnl.wire.search import (
    LONGEST_QUERY,
    CollectionBody,
    FoundBy,
    Hit,
    PlaceKind,
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
_VALUES_SHOWN: Final = 8
_SEVERAL: Final = 2
_LISTED: Final = 50
_DAY: Final = r"^(\d{4}-\d\d-\d\d)?$"

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Asking(BaseModel):
    """What the address asks for."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    q: str = Field("", max_length=LONGEST_QUERY)
    kind: str = Field("", max_length=50)
    document_type: str = Field("", max_length=100)
    category: str = Field("", max_length=200)
    tag: str = Field("", max_length=100)
    year: str = Field("", pattern=r"^(\d{4})?$")
    dated_from: str = Field("", alias="from", pattern=_DAY)
    dated_to: str = Field("", alias="to", pattern=_DAY)
    item: UUID | None = None
    #: A list whose items are wanted, and no search.
    listed: str = Field("", alias="list", max_length=200)
    cursor: str | None = Field(None, max_length=4000)


@dataclass(frozen=True)
class Choice:
    """A value that narrows a search, or widens it again."""

    value: str
    #: For the eye.
    told: str
    items: int | None
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Asked:
    """What is asked for, and the addresses that ask for a little else."""

    q: str
    chosen: dict[str, str] = field(default_factory=dict)
    cursor: str | None = None

    @classmethod
    def of(cls, asking: Asking) -> Asked:
        """The same, without what is empty."""
        given = asking.model_dump(mode="json", by_alias=True, exclude={"q", "cursor"})
        chosen = {name: value for name, value in given.items() if value}
        chosen.pop("list", None)
        return cls(asking.q.strip(), chosen, asking.cursor)

    def narrowing(self) -> dict[str, object]:
        """The filters as the API takes them."""
        given: dict[str, object] = dict(self.chosen)
        if year := given.pop("year", None):
            given |= {"from": f"{year}-01-01", "to": f"{year}-12-31"}
        if tag := given.pop("tag", None):
            given["tag"] = [tag]
        return given

    def query(self) -> SearchQuery:
        """As the API is asked.

        Raises:
            ValidationError: It makes no sense.
        """
        given = {**self.narrowing(), "q": self.q, "cursor": self.cursor}
        return SearchQuery.model_validate(given)

    def listing(self) -> ItemQuery:
        """As items are listed by what narrows, without a query.

        Raises:
            ValidationError: It makes no sense.
        """
        given = self.narrowing()
        given.pop("item", None)
        for name in ("from", "to"):
            if name in given:
                given[f"dated_{name}"] = given.pop(name)
        return ItemQuery.model_validate(
            {**given, "limit": _LISTED, "before": self.cursor}
        )

    def href(self, **changed: str | None) -> str:
        """The address with something changed; None leaves it out."""
        values = {"q": self.q, **self.chosen, **changed}
        kept = {name: value for name, value in values.items() if value}
        return f"/search?{urlencode(kept)}"

    def choices(self, told: SearchAnswer | None) -> dict[str, list[Choice]]:
        """What narrows it further, and what narrows it now, by title."""
        made: dict[str, list[Choice]] = {}
        hits = told.hits if told else []
        is_one_item = len({hit.item_id for hit in hits}) < _SEVERAL
        for name, title in _TITLES.items():
            if name in self.chosen:
                value = self.chosen[name]
                back = self.href(**{name: None})
                shown = _told(name, value)
                made[title] = [Choice(value, shown, None, back, is_chosen=True)]
                continue
            found = told.facets.get(name, [])[:_VALUES_SHOWN] if told else []
            if len(found) > 1 and not is_one_item:
                made[title] = [
                    Choice(
                        one.value,
                        _told(name, one.value),
                        one.items,
                        self.href(**{name: one.value}),
                        is_chosen=False,
                    )
                    for one in found
                ]
        return made

    def saved(self) -> dict[str, str]:
        """What a saved search keeps, as fields of a form."""
        return {"q": self.q, **self.chosen}

    def narrowed(self) -> str:
        """What narrows it, in a few words."""
        names = {"from": "from", "to": "to", "item": ""}
        return ", ".join(
            f"{names[name]} {value}".strip() if name in names else _told(name, value)
            for name, value in self.chosen.items()
            if name != "item"
        )


@dataclass(frozen=True)
class KeptSearch:
    """A saved search, or a list, as it is shown."""

    name: str
    href: str
    #: Of a list.
    items: int | None
    #: What a saved search looks for.
    told: str

    @classmethod
    def of(cls, kept: CollectionBody) -> KeptSearch:
        """How a collection is shown."""
        if kept.search is None:
            return cls(
                kept.name, f"/search?{urlencode({'list': kept.name})}", kept.items, ""
            )
        given = kept.search.model_dump(
            mode="json", by_alias=True, exclude_defaults=True
        )
        if tags := given.pop("tag", None):
            given["tag"] = tags[0]
        asked = Asked(
            str(given.pop("q")), {name: str(value) for name, value in given.items()}
        )
        told = ", ".join(filter(None, [asked.q, asked.narrowed()]))
        return cls(kept.name, asked.href(), None, told)


@router.get("/search")
def show_search(
    parts: Parts,
    owner: Caller,
    search: Search,
    asking: Annotated[Asking, Query()],
) -> Response:
    """What was found; without a query what narrows, a list, or how to ask."""
    asked = Asked.of(asking)
    told, said = None, ""
    if asked.q:
        try:
            told = search.search(asked.query(), owner=owner)
        except BadRequestError as error:
            said = error.message
        except ValidationError:
            said = "That cannot be looked for: leave out what narrows it."

    def read(connection: Db) -> dict[str, Any]:
        kept = collections.all_of(connection, owner=owner)
        found, following = _items(connection, asked, asking.listed, owner)
        return {
            **_NOTHING,
            "kept": [KeptSearch.of(one) for one in kept],
            "found": found,
            "following": following,
            "asked": asked,
            "listed": asking.listed,
            "told": told,
            "said": said,
            "choices": asked.choices(told),
        }

    return framed(parts, "search", owner, read)


def _items(
    connection: Db, asked: Asked, listed: str, owner: str
) -> tuple[list[ItemView], str | None]:
    """The items of a list, or those that are narrowed to without a query."""
    if listed:
        after = _id(asked.cursor)
        ids = collections.items_of(
            connection, listed, owner=owner, after=after, limit=_LISTED
        )
        known = {one.id: one for one in items.items_of(connection, ids, owner=owner)}
        following = str(ids[-1]) if len(ids) == _LISTED else None
        return [known[each] for each in ids if each in known], following
    if asked.q or not asked.chosen:
        return [], None
    return listing.find(connection, asked.listing(), owner=owner)


def _id(told: str | None) -> UUID | None:
    try:
        return UUID(told) if told else None
    except ValueError as error:
        raise BadRequestError("This page of the list is none: begin anew.") from error


@router.get("/items/{item_id}/similar")
def show_similar(
    item_id: UUID, parts: Parts, owner: Caller, search: Search
) -> Response:
    """Items that say something like one."""
    hits = search.similar(item_id, limit=20, owner=owner).hits

    def read(connection: Db) -> dict[str, Any]:
        like = items.item(connection, item_id, owner=owner)
        return {**_NOTHING, "like": like, "hits": hits, "asked": Asked("")}

    return framed(parts, "search", owner, read)


def marked(snippet: Snippet) -> Markup:
    """The words around what was found, which is marked; all else escaped."""
    made, place = Markup(), 0
    for start, end in snippet.marks:
        made += snippet.text[place:start]
        made += Markup("<mark>{}</mark>").format(snippet.text[start:end])
        place = end
    return made + snippet.text[place:]


def opened(hit: Hit, q: str) -> str:
    """The address that opens a hit's place, with what was looked for marked there."""
    path, _, anchor = hit.url.partition("#")
    more = {"q": q} if q else {}
    if hit.place.kind is PlaceKind.TIME and hit.place.time_s is not None:
        more["at"] = f"{hit.place.time_s:.2f}"
    query = f"&{urlencode(more)}" if more else ""
    return f"{path}{query}#{anchor}"


def _by_meaning(hit: Hit) -> bool:
    return FoundBy.WORDS not in hit.found_by


def _told(name: str, value: str) -> str:
    if name == "kind":
        return KINDS.get(value, value)
    is_word = name in ("document_type", "category")
    return value[:1].upper() + value[1:] if is_word else value


#: What a page of this template shows if nothing else is said.
_NOTHING: Final[dict[str, Any]] = {
    "told": None,
    "said": "",
    "like": None,
    "listed": "",
    "hits": [],
    "found": [],
    "following": None,
    "kept": [],
    "choices": {},
    "marked": marked,
    "opened": opened,
    "by_meaning": _by_meaning,
}
