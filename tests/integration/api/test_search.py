"""Finding again: over the real database, by word and by meaning."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID, uuid4

import pytest
from psycopg.types.json import Jsonb

from prsnl.core.db import Database, Db
from prsnl.engines.contracts import (
    Chunk,
    PageStatus,
    PageText,
    Recognition,
    TextAnalysis,
)
from prsnl.items import lexicon, store, vectors
from prsnl.items.vectors import Model, ModelName
from prsnl.search.embedder import Vector
from prsnl.search.folding import fold, words
from prsnl.search.query import parse
from prsnl.search.service import Searcher
from prsnl.search.words import find
from prsnl.wire.search import Hit, SearchAnswer, SearchFilter, SearchQuery
from tests.integration.api.conftest import Person, Server

MODEL = ModelName("local", "all-MiniLM-L6-v2", 3)


@dataclass
class Shelf:
    """Files of one owner with their pages, as a task leaves them."""

    server: Server
    owner: str

    @property
    def database(self) -> Database:
        return self.server.database

    def put(
        self, name: str, *pages: str, language: str | None = "en", kind: str = "pdf"
    ) -> store.AttachmentView:
        """A file whose pages have been read."""

        def work(connection: Db) -> store.AttachmentView:
            sha256 = self.server.wiring.storage.put_bytes(uuid4().bytes)
            new = store.NewFile(self.owner, name, 16, sha256)
            file, _ = store.add_file(connection, new)
            connection.execute(
                "update attachments set kind = %s where id = %s", [kind, file.id]
            )
            self.read(connection, file.id, *pages)
            if language is not None:
                analysis = TextAnalysis(
                    engine="test",
                    language=language,
                    title=name,
                    title_source="heading",
                    document_date=date(2024, 5, 12),
                    tags=("home",),
                    word_count=1,
                )
                store.save_analysis(connection, file.id, analysis)
            return file

        return self.database.run(work)

    def read(
        self,
        connection: Db,
        file_id: UUID,
        *pages: str,
        confidence: float | None = None,
    ) -> None:
        """Store pages, as they are read."""
        made = [
            PageText(
                number=number,
                status=PageStatus.OK,
                text=text,
                engine="test",
                reason="test",
                milliseconds=1,
                confidence=confidence,
                recognition=None if confidence is None else Recognition(mode="page"),
            )
            for number, text in enumerate(pages, start=1)
        ]
        store.save_pages(connection, file_id, made)

    def mean(
        self, file: store.AttachmentView, *passages: tuple[int, str, Vector]
    ) -> None:
        """Passages of pages, with their vectors."""

        def work(connection: Db) -> None:
            model = vectors.add_model(connection, MODEL, 3)
            chunks = [
                Chunk(number=n, text=text, page_from=page, page_to=page, start=0, end=9)
                for n, (page, text, _) in enumerate(passages, start=1)
            ]
            store.save_passages(connection, file.id, chunks)
            made = {
                vectors.content_of(text): _bytes(vector) for _, text, vector in passages
            }
            vectors.keep(connection, model.id, made, owner=self.owner, is_passage=True)

        self.database.run(work)

    def learn(self) -> None:
        """What the scheduler does a moment later."""
        while self.database.run(lexicon.learn):
            pass


def _bytes(vector: Vector) -> bytes:
    return struct.pack(f"<{len(vector)}f", *vector)


@dataclass
class Meanings:
    """An embedder that knows what some queries mean."""

    known: dict[str, Vector] = field(default_factory=dict)
    is_starting: bool = False

    def prepare(self, text: str, *, owner: str) -> None:
        """Nothing to ask for."""

    def vector(self, model: Model, text: str, *, owner: str) -> Vector | None:
        assert model.name == MODEL.name
        assert owner
        return self.known.get(text)

    def why_not(self, model: Model) -> str:
        return f"{model.name} does not know that."


@pytest.fixture
def shelf(server: Server, ada: Person) -> Shelf:
    return Shelf(server, ada.owner)


@pytest.fixture
def search(ada: Person) -> Callable[..., SearchAnswer]:
    """Searches over HTTP, with the client."""

    def ask(q: str, **wanted: object) -> SearchAnswer:
        given = SearchQuery.model_validate({"q": q, **wanted})
        return ada.client.search(given)

    return ask


def places(told: SearchAnswer | Sequence[Hit]) -> list[tuple[str, int]]:
    hits = told.hits if isinstance(told, SearchAnswer) else told
    return [(hit.file_name, hit.place.page) for hit in hits]


def marked(hit: Hit) -> list[str]:
    return [hit.snippet.text[start:end] for start, end in hit.snippet.marks]


def test_a_hit_has_title_marks_and_an_address_that_opens_the_page(
    shelf: Shelf, search: Callable[..., SearchAnswer], ada: Person
) -> None:
    file = shelf.put("Lease.pdf", "Nothing.", "The monthly rents are 940,00 EUR.")

    told = search("rent")

    (hit,) = told.hits
    assert (hit.title, hit.place.text) == ("Lease.pdf", "page 2")
    assert marked(hit) == ["rents"]
    assert hit.url == f"/items/{file.item_id}?file={file.id}&page=2#page-2"
    opened = ada.http.get(hit.url)
    assert opened.status_code == 200
    assert 'id="page-2"' in opened.text
    assert told.facets["tag"][0].value == "home"


def test_text_is_found_while_its_file_is_being_read(
    shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    """Stored pages alone: no analysis, no language, no passages, no vectors."""
    shelf.put("early.pdf", "A zeppelin over Graz.", language=None)

    assert places(search("zeppelin")) == [("early.pdf", 1)]


@pytest.mark.parametrize(
    "query",
    [
        "INV-2024/0815",
        "inv-2024/0815",
        "940,00",
        "AT61 1904 3002 3457 3201",
        "AT611904300234573201",
        "nora@example.org",
        "v2.13.0",
        '"exactly these words"',
        "énumération",
        "ENUMERATION",
        "Strasse",
        "中文",
        "invo*",
    ],
)
def test_what_is_typed_as_printed_is_hit_one(
    shelf: Shelf, search: Callable[..., SearchAnswer], query: str
) -> None:
    shelf.put(
        "decoy.pdf", "Invoices INV-2024/0816, 940,01 and AT61 1904, words exactly."
    )
    shelf.put(
        "true.pdf",
        "Invoice INV-2024/0815 over 940,00 to AT61 1904 3002 3457 3201, "
        "nora@example.org, v2.13.0: exactly these words. Enumération, Straße, 中文字.",
    )
    if query == "invo*":
        assert len(search(query).hits) == 2
        return

    assert search(query).hits[0].file_name == "true.pdf"


def test_words_are_found_in_the_language_of_their_document(
    shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    shelf.put("haus.pdf", "Die Häuser sind verkauft.", language="de")

    assert places(search("haus")) == [("haus.pdf", 1)]
    assert marked(search("Haus").hits[0]) == ["Häuser"]


def test_a_word_left_out_and_a_filter_narrow(
    shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    one = shelf.put("one.pdf", "Rent and deposit.")
    shelf.put("two.txt", "Rent alone.", kind="docx")

    assert places(search("rent -deposit")) == [("two.txt", 1)]
    assert places(search("rent", kind="pdf")) == [("one.pdf", 1)]
    assert places(search("rent", item=one.item_id)) == [("one.pdf", 1)]
    assert places(search("rent", tag=["work"])) == []
    shelf.database.run(
        lambda connection: connection.execute(
            "update items set category = 'Home' where id = %s", [one.item_id]
        )
    )
    told = search("rent", category="Home")
    assert (places(told), told.hits[0].category) == ([("one.pdf", 1)], "Home")
    assert [value.value for value in search("rent").facets["category"]] == ["Home"]
    assert places(search("rent", **{"from": "2024-05-13"})) == []
    assert len(search("rent", **{"from": "2024-05-12", "to": "2024-05-12"}).hits) == 2


def test_an_item_is_found_by_its_title_and_not_by_what_it_must_not_hold(
    shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    shelf.put("boiler manual.pdf", "Turn the valve.")

    assert places(search("boiler")) == [("boiler manual.pdf", 1)]
    assert places(search("boiler -valve")) == []


def test_a_misspelt_word_is_forgiven_where_the_right_one_is_known(
    shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    shelf.put("contract.pdf", "The tenant pays the landlord.")
    shelf.learn()

    told = search("tenatn")

    assert places(told) == [("contract.pdf", 1)]
    assert [(one.typed, one.used) for one in told.corrections] == [("tenatn", "tenant")]
    assert search("tenant -landlord").corrections == []


def test_doubted_text_is_lower_and_says_so(
    server: Server, shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    faint = shelf.put("faint.pdf")
    server.database.run(
        lambda connection: shelf.read(
            connection, faint.id, "kettle kettle kettle", confidence=0.5
        )
    )
    shelf.put("sure.pdf", "A kettle.")

    told = search("kettle")

    assert [hit.file_name for hit in told.hits] == ["sure.pdf", "faint.pdf"]
    assert told.hits[0].doubt is None
    assert "50 % sure" in str(told.hits[1].doubt)


def test_a_place_in_a_text_file_is_its_line(
    server: Server, shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    source = "a = 1\n\nb = 2\nc = 1\n\n\ndef kettle():\n    pass\n"
    sha256 = server.wiring.storage.put_bytes(source.encode())
    file = shelf.put("code.py", source, kind="text")
    server.database.run(
        lambda connection: connection.execute(
            "update attachments set sha256 = %s where id = %s", [sha256, file.id]
        )
    )

    (hit,) = search("kettle").hits

    assert (hit.place.text, hit.place.line) == ("code.py:7", 7)


def test_a_place_in_a_recording_is_its_moment_and_a_draft_says_so(
    server: Server, shelf: Shelf, search: Callable[..., SearchAnswer]
) -> None:
    file = shelf.put("talk.mp3", "Good morning.", "All well. The kettle boils.")
    phrases = [
        {"from_s": 61.5, "text": "All well."},
        {"from_s": 65.0, "text": "The kettle boils."},
    ]
    server.database.run(
        lambda connection: connection.execute(
            "insert into transcript_segments (attachment_id, number, from_s, to_s, "
            "status, text, phrases, engine, quality, milliseconds) "
            "values (%s, 2, 61, 70, 'ok', '', %s, 'test', 'draft', 1)",
            [file.id, Jsonb(phrases)],
        )
    )

    (hit,) = search("kettle").hits

    assert (hit.place.kind, hit.place.text, hit.place.time_s) == ("time", "1:05", 65.0)
    assert "Draft" in str(hit.doubt)


def test_pages_of_an_answer_hold_each_hit_once(
    shelf: Shelf, search: Callable[..., SearchAnswer], ada: Person
) -> None:
    for number in range(7):
        shelf.put(f"{number}.pdf", f"The kettle number {number}.")

    first = search("kettle", limit=3)
    shelf.put("late.pdf", "kettle kettle kettle")
    seen = [
        *first.hits,
        *ada.client.hits(SearchQuery(q="kettle", limit=3, cursor=first.next)),
    ]

    names = [hit.file_name for hit in seen]
    assert len(names) == len(set(names)) == 8


def test_nothing_of_another_owner_and_nothing_deleted_is_in_an_answer(
    server: Server,
    shelf: Shelf,
    search: Callable[..., SearchAnswer],
    ada: Person,
    ben: Person,
) -> None:
    word = f"canary{uuid4().hex[:8]}"
    hers = shelf.put(f"{word}.pdf", f"The {word} is hers.")
    his = Shelf(server, ben.owner).put("his.pdf", f"The {word} is his.")
    shelf.learn()

    assert [hit.attachment_id for hit in search(word).hits] == [hers.id]
    found = ben.client.search(SearchQuery(q=word))
    assert [hit.attachment_id for hit in found.hits] == [his.id]
    assert ben.client.search(SearchQuery(q=word, item=hers.item_id)).hits == []
    ada.client.trash(hers.item_id)
    assert search(word).hits == []
    ada.client.delete(hers.item_id)
    assert search(word).hits == []
    rows = server.database.run(
        lambda connection: connection.execute(
            "select word from search_lexicon where owner = %s and word = %s",
            [ada.owner, word],
        ).fetchall()
    )
    assert rows == []


def test_meaning_and_words_are_one_list(
    server: Server, shelf: Shelf, ada: Person
) -> None:
    letter = shelf.put("letter.pdf", "Dear Sir.", "The flat costs nine hundred.")
    shelf.mean(letter, (1, "Dear Sir.", (0, 1, 0)), (2, "The flat costs", (1, 0.1, 0)))
    note = shelf.put("note.pdf", "My rent is high.")
    shelf.mean(note, (1, "My rent is high.", (0.9, 0.2, 0)))
    meanings = Meanings({"what is the rent": (1, 0, 0), "rent -high": (1, 0, 0)})
    searcher = Searcher(server.database, server.wiring.storage, meanings)

    told = searcher.search(SearchQuery(q="what is the rent"), owner=ada.owner)

    assert places(told) == [("note.pdf", 1), ("letter.pdf", 2)]
    assert [sorted(hit.found_by) for hit in told.hits] == [
        ["meaning", "words"],
        ["meaning"],
    ]
    assert told.only_words_because is None
    # What is required or left out holds for the meaning, too.
    meanings.known = {"rent": (1, 0, 0), "rent costs": (1, 0, 0)}
    narrowed = searcher.search(SearchQuery(q="rent -high"), owner=ada.owner)
    assert places(narrowed) == [("letter.pdf", 2)]
    assert searcher.search(SearchQuery(q="rent"), owner="nobody").hits == []


def test_without_a_vector_the_words_answer_and_say_so(
    server: Server, shelf: Shelf, ada: Person
) -> None:
    file = shelf.put("note.pdf", "My rent is high.")
    shelf.mean(file, (1, "My rent is high.", (1, 0, 0)))
    searcher = Searcher(
        server.database, server.wiring.storage, Meanings(is_starting=True)
    )

    told = searcher.search(SearchQuery(q="rent"), owner=ada.owner)

    assert places(told) == [("note.pdf", 1)]
    assert told.is_starting
    assert "does not know that" in str(told.only_words_because)


def test_more_like_this_is_of_other_items_of_the_same_owner(
    server: Server, shelf: Shelf, ada: Person, ben: Person
) -> None:
    one = shelf.put("one.pdf", "a")
    shelf.mean(one, (1, f"a {uuid4()}", (1, 0, 0)))
    two = shelf.put("two.pdf", "b")
    shelf.mean(two, (1, f"b {uuid4()}", (0.9, 0.1, 0)))
    far = shelf.put("far.pdf", "c")
    shelf.mean(far, (1, f"c {uuid4()}", (0, 0, 1)))
    other = Shelf(server, ben.owner)
    his = other.put("his.pdf", "d")
    other.mean(his, (1, f"d {uuid4()}", (1, 0, 0)))

    assert places(ada.client.similar(one.item_id)) == [("two.pdf", 1)]
    assert ben.http.get(f"/api/items/{one.item_id}/similar").status_code == 404


@pytest.mark.parametrize(
    "text",
    [
        "Äpfel & Öl: naïve ﬁle, Straße",
        "ŁÓDŹ Ørsted Çelik İstanbul ıðþ",
        "中文 한국어 \uff46\uff55\uff4c\uff4c",
    ],
)
def test_the_database_folds_as_this_program_does(server: Server, text: str) -> None:
    """Else what was stored would not be found."""
    row = server.database.run(
        lambda connection: connection.execute(
            "select search_plain(search_fold(%s)) as plain", [text]
        ).fetchone()
    )

    assert row is not None
    assert row["plain"].split() == words(fold(text))


def test_a_query_that_is_none_is_refused(ada: Person) -> None:
    assert ada.http.get("/api/search").status_code == 422
    assert ada.http.get("/api/search?q=%22%22").status_code == 422
    assert ada.http.get("/api/search?q=x&cursor=!!").status_code == 404
    assert ada.http.get("/api/search?q=x&from=yesterday").status_code == 422


def test_a_search_is_planned_for_its_own_words_however_often_it_comes(
    shelf: Shelf,
) -> None:
    """The server would plan a kept statement once, for any words at all."""
    often = 12
    shelf.put("lease.pdf", "The rent is due on the first.")

    def work(connection: Db) -> list[str]:
        for number in range(often):
            query = parse(f"rent {number}")
            find(connection, query, SearchFilter(), owner=shelf.owner)
        rows = connection.execute("select statement from pg_prepared_statements")
        return [row["statement"] for row in rows]

    kept = shelf.database.run(work)

    assert kept, "statements that come often are kept"
    assert not [one for one in kept if "@@" in one]
