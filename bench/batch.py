"""What a one-page note costs in a batch, beside its bare parse and its bare analysis.

Three sides take turns on the same notes, a hundred at a time:

- `bare parse`: the text of each note, by the product's own reader, in this process;
- `bare engines`: the same, then analysis, key sentences, type, facts, passages and
  vectors, by the product's own engines, in this process on one thread;
- `batch`: the notes as one `batch_process_files_task` of a running service, from the
  request to the end of the last one; each note is read and analysed in a sandbox
  child, and every stage is committed.

The notes are made here, each with words of its own. The bar is `batch` less
`bare parse`; what of it the engines themselves take is told beside it.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import psutil

import costs
import machine
from prsnl.client import Client
from prsnl.core.settings import Settings
from prsnl.engines import documents, embedding, text
from prsnl.engines.taxonomy import reading
from prsnl.terminal import servers
from prsnl.terminal.stack import service

ALLOWED_MS: Final = 60.0
TURN: Final = 100
_NOUNS: Final = (
    "kettle landlord garden report budget meeting engine recipe journey contract music "
    "library winter harbour letter school bakery river"
)
_VERBS: Final = "describes explains improves delays covers changes repairs"
_THINGS: Final = _NOUNS.split()
_DOES: Final = _VERBS.split()
_WHAT: Final = (
    "the monthly rent",
    "a plan for spring",
    "the new schedule",
    "an older agreement",
    "three open questions",
    "the results of the test",
    "the next appointment",
)


@dataclass(frozen=True)
class Folder:
    """The two folders that an engine knows, here the same."""

    inputs: Path
    outputs: Path


@dataclass(frozen=True)
class Turn:
    """What a note took on each side, in milliseconds."""

    parse: float
    engines: float
    batch: float
    #: Of a processor, by all processes of the service.
    batch_cpu: float
    #: Of a processor, by this process.
    engines_cpu: float


def note(number: int) -> str:
    """A page of Markdown: a heading, a date, five paragraphs, an amount."""
    told = random.Random(number)  # noqa: S311 - the same notes in every run

    def sentence() -> str:
        one, two = told.choice(_THINGS), told.choice(_THINGS)
        first, second = told.choice(_DOES), told.choice(_DOES)
        objects = told.choice(_WHAT), told.choice(_WHAT)
        return f"The {one} {first} {objects[0]} and the {two} {second} {objects[1]}."

    paragraphs = [" ".join(sentence() for _ in range(4)) for _ in range(5)]
    return "\n\n".join(
        [
            f"# Note {number} about the {told.choice(_THINGS)}",
            f"Written on {told.randint(1, 28)} May 2024.",
            *paragraphs,
            f"The total is {told.randint(10, 999)}.00 EUR, due on 3 June 2024.",
        ]
    )


#: What notes are sorted by.
_TAXONOMY: Final = reading.parsed(reading.shipped())
_TYPES: Final = [one.model_dump() for one in _TAXONOMY.document_types]
_CATEGORIES: Final = [one.model_dump() for one in _TAXONOMY.categories]


def parsed(folder: Folder, name: str) -> list[dict[str, object]]:
    """The pages of a note."""
    _, *pages = documents.read(folder, {"path": name, "kind": "markdown"})
    return [{"number": page["number"], "text": page["text"]} for page in pages]


def analysed(folder: Folder, name: str) -> None:
    """All that the product learns of a note, without the product around it."""
    pages = parsed(folder, name)
    asked = {"pages": pages, "headings": [], "metadata": {}, "file_name": name}
    (told,) = text.analyze(folder, asked)
    list(text.summarize(folder, {**asked, "language": told["language"]}))
    titled = {**asked, "title": told["title"], "language": told["language"]}
    list(text.classify(folder, {**titled, "types": _TYPES}))
    sorted_by = {**titled, "keywords": [one["text"] for one in told["keywords"]]}
    list(text.profile(folder, {**sorted_by, "categories": _CATEGORIES}))
    list(text.insights(folder, {**asked, "entities": told["entities"]}))
    (cut,) = text.chunk(folder, asked)
    texts = [chunk["text"] for chunk in cut["chunks"]]
    list(embedding.embed(folder, {"texts": texts}))


def per_note_ms(work: Callable[[str], object], names: Sequence[str]) -> float:
    """How long *work* takes for each name."""
    began = time.perf_counter()
    for name in names:
        work(name)
    return 1e3 * (time.perf_counter() - began) / len(names)


def carried(
    client: Client, folder: Folder, names: Sequence[str], at_once: int
) -> float:
    """Milliseconds a note of one batch, from the request to the last end."""
    ids = [
        client.upload(folder.inputs / name, process=False).attachment.id
        for name in names
    ]
    began = time.perf_counter()
    task = client.process_batch(ids, max_concurrency=at_once)
    ended = client.wait(task.task_id)
    seconds = time.perf_counter() - began
    assert ended.result is not None, ended.error
    assert ended.result["succeeded"] == len(names), ended.warnings
    return 1e3 * seconds / len(names)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and tell by the exit status whether the bar is met."""
    parser = argparse.ArgumentParser(prog="./prsnl bench batch")
    parser.add_argument("--notes", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=machine.cores())
    parser.add_argument("--quick", action="store_true", help="200 notes")
    wanted = parser.parse_args(arguments)
    count = 200 if wanted.quick else wanted.notes
    print(machine.described())
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o711)
        folder = Folder(Path(root, "notes"), Path(root))
        folder.inputs.mkdir()
        for number in range(count + TURN):
            name = f"note-{number:05}.md"
            (folder.inputs / name).write_text(note(number), encoding="utf-8")
        os.environ["PRSNL_DATA_DIR"] = str(Path(root, "data"))
        os.environ["PRSNL_WORKER_CONCURRENCY"] = str(wanted.workers)
        settings = Settings.read()
        with (
            service(settings, what="prsnl bench", is_passing=True) as running,
            servers.own(settings, running.url) as client,
        ):
            return _measure(client, folder, workers=wanted.workers)


def _turn(client: Client, folder: Folder, names: Sequence[str], workers: int) -> Turn:
    parse = per_note_ms(lambda name: parsed(folder, name), names)
    own_s = time.process_time()
    engines = per_note_ms(lambda name: analysed(folder, name), names)
    own_s = time.process_time() - own_s
    service_s = _service_cpu_s()
    batch = carried(client, folder, names, 2 * workers)
    service_s = _service_cpu_s() - service_s
    return Turn(
        parse=parse,
        engines=engines,
        batch=batch,
        batch_cpu=1e3 * service_s / len(names),
        engines_cpu=1e3 * own_s / len(names),
    )


def _service_cpu_s() -> float:
    """Seconds of CPU of what this process has started, uploads included."""
    return costs.cpu_s(child.pid for child in psutil.Process().children())


def _measure(client: Client, folder: Folder, *, workers: int) -> int:
    names = sorted(path.name for path in folder.inputs.iterdir())
    first, *rest = [names[at : at + TURN] for at in range(0, len(names), TURN)]
    carried(client, folder, first, 2 * workers)  # warm
    analysed(folder, first[0])
    turns = [_turn(client, folder, names, workers) for names in rest]
    sides = {
        "bare parse": [turn.parse for turn in turns],
        "bare engines, one thread": [turn.engines for turn in turns],
        f"batch, {workers} workers": [turn.batch for turn in turns],
        "batch less parse": [turn.batch - turn.parse for turn in turns],
        "CPU: bare engines": [turn.engines_cpu for turn in turns],
        "CPU: the whole service": [turn.batch_cpu for turn in turns],
    }
    rows = [
        [
            name,
            f"{statistics.median(values):.1f}",
            f"{min(values):.1f}-{max(values):.1f}",
        ]
        for name, values in sides.items()
    ]
    heads = ["side", "ms a note (median)", "least-most"]
    print(machine.table(heads, rows))
    print(
        f"{len(turns)} turns of {TURN} notes; load {os.getloadavg()[0]:.1f} at the end"
    )
    more = statistics.median(sides["batch less parse"])
    print(f"more than the bare parse: {more:.1f} ms a note (allowed: {ALLOWED_MS:g})")
    return 0 if more <= ALLOWED_MS else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
