"""How often the place that answers is among the first ten hits.

Run by `./prsnl bench search-quality FOLDER [QUERIES]`: processes the folder with a
stack of its own, then asks each query by word alone, by meaning alone, and as the
product does. QUERIES is a JSON of queries with the file and the pages that answer; by
default the forty beside this file, written down before the ranking was made.
`--keep DIR` keeps the processed folder there for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

import machine
from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.core.storage import FolderStorage
from prsnl.embedded.stack import EmbeddedStack
from prsnl.embedded.supervisor import Supervisor
from prsnl.items import lexicon, vector_upkeep, vectors
from prsnl.search.service import Searcher
from prsnl.wire.search import FoundBy, SearchQuery
from prsnl.wiring.search import searcher
from scratch import BENCH, SOURCE

_OWNER: Final = "owner"
_FIRST: Final = 10
#: Recall among the first ten, by kind of query.
BARS: Final = {"literal": 0.95, "paraphrase": 0.80}
_WAYS: Final = {
    "words": frozenset({FoundBy.WORDS}),
    "meaning": frozenset({FoundBy.MEANING}),
    "both": frozenset(FoundBy),
}


@dataclass(frozen=True)
class Asked:
    """A query, and where its answer is."""

    kind: str
    q: str
    file: str
    pages: list[int] | None

    def rank(self, finder: Searcher) -> int | None:
        """The place of the answer among the first ten, from 1."""
        told = finder.search(SearchQuery(q=self.q, limit=_FIRST), owner=_OWNER)
        name = PurePath(self.file).name
        for rank, hit in enumerate(told.hits, start=1):
            is_there = self.pages is None or hit.place.page in self.pages
            if hit.file_name == name and is_there:
                return rank
        return None


def processed(folder: Path, data_dir: Path) -> None:
    """Have a folder processed by the product, as its user does."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(SOURCE),
        "PRSNL_DATA_DIR": str(data_dir),
    }
    done = subprocess.run(
        [sys.executable, "-m", "prsnl", "process", str(folder)],
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "")


@contextmanager
def searching(data_dir: Path) -> Iterator[Searcher]:
    """The product's searcher over a data folder, warm."""
    settings = Settings.read()
    settings = replace(
        settings, storage=settings.storage.model_copy(update={"data_dir": data_dir})
    )
    storage = FolderStorage(data_dir / "storage")
    with (
        Supervisor() as supervisor,
        EmbeddedStack(data_dir, supervisor, what="prsnl bench") as urls,
        Database.open(urls.database_url, size=4, name="bench") as database,
        searcher(settings, database, storage) as found,
    ):
        while database.run(lexicon.learn):
            pass
        for model in database.run(lambda c: vectors.models_of(c, owner=_OWNER)):
            with database.connection() as connection:
                vector_upkeep.build_index(connection, model)
        warm(found)
        yield found


def warm(found: Searcher) -> None:
    """Wait until the search by meaning takes part."""
    ends_at = time.monotonic() + 60
    while found.search(SearchQuery(q="warm up"), owner=_OWNER).only_words_because:
        if time.monotonic() > ends_at:
            raise SystemExit("the search by meaning does not start")
        time.sleep(0.1)


def measured(asked: Sequence[Asked], finder: Searcher) -> dict[str, list[int | None]]:
    """The rank of each answer, by way."""
    return {
        name: [one.rank(replace(finder, ways=ways)) for one in asked]
        for name, ways in _WAYS.items()
    }


def shown(asked: Sequence[Asked], ranks: dict[str, list[int | None]]) -> bool:
    """Print the ranks and the recalls; were the bars met?"""
    print(f"{'':12}{'query':64}" + "".join(f"{way:>9}" for way in ranks))
    for number, one in enumerate(asked):
        places = "".join(f"{told[number] or '-':>9}" for told in ranks.values())
        print(f"{one.kind:12}{one.q[:62]:64}{places}")
    is_met = True
    for kind, bar in BARS.items():
        found = {
            way: [
                rank for one, rank in zip(asked, told, strict=True) if one.kind == kind
            ]
            for way, told in ranks.items()
        }
        recall = {way: _share(told) for way, told in found.items()}
        first = {way: sum(rank == 1 for rank in told) for way, told in found.items()}
        told = "  ".join(
            f"{way} {recall[way]:.2f} ({first[way]} at 1)" for way in recall
        )
        is_met &= recall["both"] >= max(bar, recall["words"], recall["meaning"])
        print(f"recall@10, {kind}: {told}   bar {bar:.2f} and the better half")
    return is_met


def _share(ranks: Sequence[int | None]) -> float:
    return sum(rank is not None for rank in ranks) / len(ranks) if ranks else 1.0


def _read(path: Path) -> list[Asked]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return [Asked(**each) for each in told["queries"]]


def main(arguments: Sequence[str]) -> int:
    """Run it; 1 if a bar was missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "queries", type=Path, nargs="?", default=BENCH / "search_queries.json"
    )
    parser.add_argument("--keep", type=Path, help="the data folder, used again")
    given = parser.parse_args(arguments)
    print(machine.described())
    asked = _read(given.queries)
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as name:
        Path(name).chmod(0o711)
        data_dir = given.keep or Path(name) / "data"
        if not (data_dir / "storage").is_dir():
            processed(given.folder, data_dir)
        with searching(data_dir) as finder:
            return 0 if shown(asked, measured(asked, finder)) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
