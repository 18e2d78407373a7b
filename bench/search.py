"""The time that a search takes at 100,000 passages, over HTTP.

Run by `./prsnl bench search`. The corpus is made up: pages of words as frequent as
those of a language (the n-th word 1/n as often as the first), with codes and amounts,
and vectors around the centres of topics. Nine tenths are one owner's, who asks. The
queries are of all kinds, none twice, one client and then four at a time; the embedder
is warm. Bar: p95 under 150 ms for one client.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import costs
import machine
from prsnl.client import Client
from prsnl.core.db import Db, connect
from prsnl.core.ids import new_id
from prsnl.discovery import RunningServer
from prsnl.items import lexicon, vector_upkeep, vectors
from prsnl.items.vectors import ModelName, Vector, _VectorDumper, content_of
from prsnl.web import keys
from prsnl.wire.search import SearchQuery
from scratch import Scratch, scratch

BAR_MS: Final = 150.0
_OWNER: Final = "bench"
_OTHERS: Final = ("ada", "ben")
_CHUNKS_OF_PAGE: Final = 3
_PAGES_OF_FILE: Final = 10
_WORDS_OF_CHUNK: Final = 150
_VOCABULARY: Final = 60_000
_TOPICS: Final = 400
_DIMENSIONS: Final = 384
_SYLLABLES: Final = (  # noqa: SIM905 - reads as a row
    "ba be bi bo bu da de di do du fa fe fi fo ka ke ki ko la le li lo lu ma me mi mo "
    "na ne ni no pa pe pi po ra re ri ro sa se si so ta te ti to va ve vi vo"
).split()


class Corpus:
    """Made-up texts: the same in each run."""

    def __init__(self) -> None:
        self.chance = random.Random(11)  # noqa: S311 - the same words in each run
        self.numbers = np.random.default_rng(11)
        names = {
            "".join(self.chance.choices(_SYLLABLES, k=self.chance.randint(2, 5)))
            for _ in range(2 * _VOCABULARY)
        }
        self.words = sorted(names)[:_VOCABULARY]
        self.chance.shuffle(self.words)
        weights = 1 / np.arange(1, len(self.words) + 1)
        self.weights = weights / weights.sum()
        self.topics = self.numbers.normal(size=(_TOPICS, _DIMENSIONS))

    def passages(self, count: int) -> list[str]:
        """So many passages of about 900 characters."""
        picked = self.numbers.choice(
            len(self.words), size=(count, _WORDS_OF_CHUNK), p=self.weights
        )
        return [self._passage([self.words[place] for place in row]) for row in picked]

    def _passage(self, words: list[str]) -> str:
        words[20] = self.code()
        words[70] = f"{self.chance.randint(1, 9999)},{self.chance.randint(0, 99):02}"
        for place in range(0, len(words), 15):
            words[place] = words[place].capitalize()
            words[place - 1] += "."
        return " ".join(words)

    def code(self) -> str:
        """As on an invoice."""
        year, number = self.chance.randint(2010, 2026), self.chance.randint(1, 99999)
        return f"INV-{year}/{number:05}"

    def vectors(self, count: int) -> list[bytes]:
        """So many vectors, each near to a topic."""
        near = self.topics[self.numbers.integers(_TOPICS, size=count)]
        made = near + 0.6 * self.numbers.normal(size=(count, _DIMENSIONS))
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        return [row.astype("<f4").tobytes() for row in made]

    def queries(self, count: int, texts: Sequence[str]) -> Iterator[str]:
        """Queries of all kinds, in turn."""
        for number in range(count):
            text = self.chance.choice(texts).lower().split()
            start = self.chance.randrange(len(text) - 8)
            piece = [word.strip(".") for word in text[start : start + 8]]
            yield (
                " ".join(piece[:2]),
                f'"{" ".join(piece[2:5])}"',
                self.words[self.chance.randrange(50)],
                " ".join(piece),
                self.code(),
                f"{piece[0]} {piece[3]} -{piece[5]}",
                f"when does {piece[1]} end and who pays for {piece[4]}",
                f"{piece[0][:-1]}x {piece[1]}",
            )[number % 8]


def fill(connection: Db, corpus: Corpus, chunks: int) -> list[str]:
    """Store the corpus as the product would; give some of its texts."""
    model = vectors.add_model(
        connection, ModelName("local", "all-MiniLM-L6-v2", _DIMENSIONS), _DIMENSIONS
    )
    connection.adapters.register_dumper(Vector, _VectorDumper)
    samples: list[str] = []
    for _ in range(chunks // (_CHUNKS_OF_PAGE * _PAGES_OF_FILE)):
        texts = corpus.passages(_CHUNKS_OF_PAGE * _PAGES_OF_FILE)
        owner = _OWNER
        if corpus.chance.random() < 0.1:
            owner = corpus.chance.choice(_OTHERS)
        else:
            samples += texts[:2]
        with connection.transaction():
            _store_file(connection, corpus, owner, texts, model.id)
    return samples


def _store_file(
    connection: Db, corpus: Corpus, owner: str, texts: list[str], model_id: int
) -> None:
    item_id, file_id = new_id(), new_id()
    day = date(2010, 1, 1) + timedelta(days=corpus.chance.randrange(6000))
    connection.execute(
        "insert into items (id, owner, title, title_source, language, document_date, "
        "tags) values (%s, %s, %s, 'heading', 'en', %s, %s)",
        [
            item_id,
            owner,
            texts[0][:40],
            day,
            corpus.chance.sample(corpus.words[:200], 3),
        ],
    )
    connection.execute(
        "insert into attachments (id, item_id, owner, file_name, size_bytes, sha256, "
        "kind, page_count, processing_status) "
        "values (%s, %s, %s, %s, 1, %s, 'pdf', %s, 'completed')",
        [file_id, item_id, owner, f"{texts[1][:12]}.pdf", file_id.hex, _PAGES_OF_FILE],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into attachment_pages (attachment_id, number, status, text, "
            "engine, "
            "reason, milliseconds) values (%s, %s, 'ok', %s, 'bench', 'made up', 1)",
            [
                [file_id, number, "\n\n".join(texts[start:end])]
                for number, (start, end) in enumerate(
                    pairwise(range(0, len(texts) + 1, _CHUNKS_OF_PAGE)), start=1
                )
            ],
        )
    _store_chunks(
        connection,
        corpus,
        owner=owner,
        ids=(item_id, file_id),
        texts=texts,
        model_id=model_id,
    )


def _store_chunks(
    connection: Db,
    corpus: Corpus,
    *,
    owner: str,
    ids: tuple[UUID, UUID],
    texts: list[str],
    model_id: int,
) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(
            "copy chunks (attachment_id, number, item_id, owner, text, page_from, "
            "page_to, start_offset, end_offset, content) from stdin"
        ) as copy:
            for place, text in enumerate(texts):
                page = place // _CHUNKS_OF_PAGE + 1
                copy.write_row(
                    [
                        ids[1],
                        place + 1,
                        ids[0],
                        owner,
                        text,
                        page,
                        page,
                        0,
                        len(text),
                        content_of(text),
                    ]
                )
        cursor.executemany(
            "insert into embeddings (owner, model_id, content, is_passage, embedding) "
            "values (%s, %s, %s, true, %s::vector) on conflict do nothing",
            [
                [owner, model_id, content_of(text), Vector(made)]
                for text, made in zip(texts, corpus.vectors(len(texts)), strict=True)
            ],
        )


def settle(connection: Db) -> None:
    """What the scheduler does beside: words counted, the index of vectors built."""
    while lexicon.learn(connection):
        pass
    for model in vectors.models_of(connection, owner=_OWNER):
        vector_upkeep.build_index(connection, model)
    connection.execute("vacuum analyze")


def sizes(connection: Db) -> list[tuple[str, float]]:
    """What lies on the disk, in MiB."""
    names = (
        "attachment_pages", "chunks", "search_pages", "search_pages_words",
        "search_lexicon", "embeddings",
    )  # fmt: skip
    rows = [(name, name) for name in names]
    rows += [
        (vector_upkeep.index_name(model), vector_upkeep.index_name(model))
        for model in vectors.models_of(connection, owner=_OWNER)
    ]
    told = []
    for name, relation in rows:
        row = connection.execute(
            "select case when c.relkind = 'i' then pg_relation_size(c.oid) "
            "else pg_total_relation_size(c.oid) end as bytes "
            "from pg_class c where c.oid = to_regclass(%s)",
            [relation],
        ).fetchone()
        if row is not None:
            told.append((name, row["bytes"] / 2**20))
    return told


def timed(url: str, key: str, queries: Sequence[str], clients: int) -> list[float]:
    """The milliseconds of each query, so many clients at a time."""

    def ask(mine: Sequence[str]) -> list[float]:
        told = []
        with Client(url, key) as client:
            client.health()
            for text in mine:
                began = time.perf_counter()
                client.search(SearchQuery(q=text))
                told.append((time.perf_counter() - began) * 1000)
        return told

    with ThreadPoolExecutor(clients) as pool:
        parts = pool.map(ask, [queries[start::clients] for start in range(clients)])
        return [each for part in parts for each in part]


def _started(running: Scratch) -> str:
    running.supervisor.start(
        running.spec("api", "prsnl", "api", more={"PRSNL_PORT": "0"})
    )
    gives_up_at = time.monotonic() + 60
    while (found := RunningServer.find(running.folder)) is None:
        if time.monotonic() > gives_up_at:
            raise SystemExit("the API does not start")
        time.sleep(0.1)
    return found.url


def main(arguments: Sequence[str]) -> int:
    """Run it; 1 if the bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=400)
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    if given.quick:
        given.chunks, given.queries = 10_000, 80
    print(machine.described())
    corpus = Corpus()
    with scratch() as running, connect(running.urls.database_url) as connection:
        began = time.perf_counter()
        texts = fill(connection, corpus, given.chunks)
        filled_s = time.perf_counter() - began
        settle(connection)
        print(
            f"{given.chunks:,} passages stored in {filled_s:.0f} s, "
            f"settled in {time.perf_counter() - began - filled_s:.0f} s"
        )
        for name, mib in sizes(connection):
            print(f"  {name:24} {mib:8.1f} MiB")
        key = keys.new_key()
        keys.ensure(connection, key, owner=_OWNER, name="bench")
        return _measured(running, corpus, texts, key, given.queries)


def _measured(
    running: Scratch, corpus: Corpus, texts: Sequence[str], key: str, count: int
) -> int:
    url = _started(running)
    with Client(url, key) as client:
        client.search(SearchQuery(q="what warms it up"), patience_s=30)
    timed(url, key, list(corpus.queries(40, texts)), 1)
    p95 = 0.0
    for clients in (1, 4):
        before_s = costs.cpu_s(running.pids("api", "postgres"))
        told = sorted(timed(url, key, list(corpus.queries(count, texts)), clients))
        cuts = statistics.quantiles(told, n=100)
        used_s = costs.cpu_s(running.pids("api", "postgres")) - before_s
        p95 = p95 or cuts[94]
        print(
            f"{clients} client{'s' if clients > 1 else ' '}  p50 {cuts[49]:6.1f} ms  "
            f"p95 {cuts[94]:6.1f} ms  p99 {cuts[98]:6.1f} ms  "
            f"{1000 * clients / statistics.fmean(told):.0f} a second  "
            f"{1000 * used_s / count:.0f} ms of CPU each"
        )
    for name in ("api", "postgres"):
        held = costs.memory(running.pids(name))
        print(f"  {name:10} {held.pss_mib:6.0f} MiB (PSS, {held.processes} processes)")
    print(f"bar: p95 under {BAR_MS:.0f} ms for one client")
    return 0 if p95 < BAR_MS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
