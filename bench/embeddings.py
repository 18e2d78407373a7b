"""What embedding costs: the product's task beside the bare runtime, batched or not.

Two sides take turns on the same texts, each on one thread:

- `bare`: the model's session and tokenizer in this process, and a loop: the texts by
  their length, so many a run, the mean of each one's words. Of some sizes of a run the
  quickest is taken;
- `task`: the texts as one `generate_embeddings_batch_task` of a running service, from
  the request to its end: the sandbox child, a commit for each batch, the database. Each
  turn has a cache of its own.

Then 200 of the texts as one task, and as a task each: by the local model, and by a
provider that is played on this machine. Told are requests, tokens and time.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1]))

import numpy as np
from tests.fakes.llm_server import llm_server

import machine
from prsnl.client import Client
from prsnl.core.settings import Settings
from prsnl.engines.embedding import minilm
from prsnl.terminal import servers
from prsnl.terminal.stack import service

ALLOWED: Final = 0.85
ONE_BY_ONE: Final = 200
_RUNS_OF: Final = (1, 4, 8, 32)
_SENTENCE: Final = (
    "kettle landlord garden report budget meeting engine recipe journey contract music "
    "library winter harbour letter school bakery river rent describes explains delays "
    "the an of in for and with before after without monthly older new next"
)
_WORDS: Final = _SENTENCE.split()


@dataclass(frozen=True)
class Done:
    """What a task told, and how long it took from its request."""

    seconds: float
    results: Sequence[Mapping[str, Any]]

    def sum(self, name: str) -> int:
        """A count, over all results."""
        return sum(result[name] for result in self.results)


def text(number: int) -> str:
    """A passage of one to twelve sentences, as documents have them."""
    told = random.Random(number)  # noqa: S311 - the same texts in every run
    sentences = [
        " ".join(told.choices(_WORDS, k=told.randint(8, 20))).capitalize() + "."
        for _ in range(told.randint(1, 12))
    ]
    return f"Passage {number}. " + " ".join(sentences)


def bare(texts: Sequence[str], run_of: int) -> float:
    """Seconds of the loop."""
    model = minilm.loaded()
    began = time.perf_counter()
    rows = [one.ids for one in model.tokenizer.encode_batch(list(texts))]
    order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
    vectors = np.zeros((len(rows), minilm.DIMENSIONS), np.float32)
    for start in range(0, len(order), run_of):
        places = order[start : start + run_of]
        vectors[places] = _run(model, [rows[place] for place in places])
    return time.perf_counter() - began


def _run(model: minilm.MiniLm, rows: Sequence[Sequence[int]]) -> Any:
    length = max(map(len, rows))
    mask = np.array([[n < len(row) for n in range(length)] for row in rows], np.float32)
    ids = [[*row, *[0] * (length - len(row))] for row in rows]
    size = minilm.DIMENSIONS // model.heads
    (states,) = model.session.run(
        None,
        {
            "ids": np.array(ids, np.int64).reshape(-1),
            "positions": np.tile(np.arange(length, dtype=np.int64), len(rows)),
            "mask": (1 - mask)[:, None, None, :] * np.float32(-1e9),
            "split": np.array([len(rows), length, model.heads, size], np.int64),
        },
    )
    words = states.reshape(len(rows), length, -1) * mask[:, :, None]
    means = words.sum(axis=1) / mask.sum(axis=1, keepdims=True)
    return means / np.linalg.norm(means, axis=1, keepdims=True)


def as_one_task(client: Client, texts: Sequence[str], cache: str) -> Done:
    """All texts as one task."""
    began = time.perf_counter()
    named = [(str(number), one) for number, one in enumerate(texts)]
    ended = client.wait(client.embed_texts(named, cache_prefix=cache).task_id)
    assert ended.result is not None, ended.error
    return Done(time.perf_counter() - began, [ended.result])


def as_a_task_each(client: Client, texts: Sequence[str], cache: str) -> Done:
    """A task for each text, all of them submitted first."""
    began = time.perf_counter()
    tasks = [client.embed_texts([("0", one)], cache_prefix=cache) for one in texts]
    results = []
    for task in tasks:
        ended = client.wait(task.task_id)
        assert ended.result is not None, ended.error
        results.append(ended.result)
    return Done(time.perf_counter() - began, results)


@contextmanager
def running(**environment: str) -> Iterator[Client]:
    """A service of the product on a data folder of its own."""
    with tempfile.TemporaryDirectory() as root:
        Path(root).chmod(0o711)
        before = dict(os.environ)
        os.environ.update(environment, PRSNL_DATA_DIR=str(Path(root, "data")))
        try:
            settings = Settings.read()
            with (
                service(settings, what="prsnl bench", is_passing=True) as served,
                servers.own(settings, served.url) as client,
            ):
                yield client
        finally:
            os.environ.clear()
            os.environ.update(before)


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and tell by the exit status whether the bar is met."""
    parser = argparse.ArgumentParser(prog="./prsnl bench embeddings")
    parser.add_argument("--texts", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="300 texts, two turns")
    wanted = parser.parse_args(arguments)
    count, turns = (300, 2) if wanted.quick else (wanted.texts, wanted.turns)
    texts = [text(number) for number in range(count)]
    print(machine.described())
    print(machine.versions("onnxruntime", "tokenizers", "openai"))
    with running() as client:
        ratio = _compare(client, texts, turns)
        _batched(client, texts[:ONE_BY_ONE], "local model")
    with llm_server() as played:
        with running(
            PRSNL_EMBEDDING_PROVIDER="compatible",
            PRSNL_EMBEDDING_MODEL="fake-embedding",
            PRSNL_EMBEDDING_BASE_URL=played.base_url,
        ) as client:
            _batched(client, texts[:ONE_BY_ONE], "provider")
        print(f"requests that the provider got: {played.count('embeddings')}")
    print(f"task against bare: {ratio:.2f} (at least: {ALLOWED:g})")
    return 0 if ratio >= ALLOWED else 1


def _compare(client: Client, texts: Sequence[str], turns: int) -> float:
    for run_of in _RUNS_OF:
        bare(texts[:40], run_of)
    as_one_task(client, texts[:40], "warm")
    best = min(_RUNS_OF, key=lambda run_of: bare(texts[:200], run_of))
    sides: dict[str, list[float]] = {f"bare, {best} a run": [], "task": []}
    for turn in range(turns):
        told = [
            bare(texts, best),
            as_one_task(client, texts, f"turn {turn}").seconds,
        ]
        for rates, seconds in zip(sides.values(), told, strict=True):
            rates.append(len(texts) / seconds)
    rows = [
        [name, f"{statistics.median(rates):.1f}", f"{min(rates):.1f}-{max(rates):.1f}"]
        for name, rates in sides.items()
    ]
    print(machine.table(["side", "texts/s (median)", "least-most"], rows))
    print(
        f"{turns} turns of {len(texts)} texts; load {os.getloadavg()[0]:.1f} at the end"
    )
    plain, product = map(statistics.median, sides.values())
    return product / plain


def _batched(client: Client, texts: Sequence[str], who: str) -> None:
    rows = []
    for name, work in (("batched", as_one_task), ("one by one", as_a_task_each)):
        done = work(client, texts, f"{name} by {who}")
        rows.append(
            [
                f"{who}, {name}",
                str(done.sum("embedded")),
                str(done.sum("batches")),
                str(done.sum("tokens")),
                f"{done.seconds:.2f}",
            ]
        )
    print(machine.table(["200 texts", "texts", "requests", "tokens", "seconds"], rows))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
