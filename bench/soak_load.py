"""A steady mixed load: what a busy household asks of the service, all day long.

Files and texts are made anew each time, so that nothing is answered from a checkpoint,
and items beyond a number are deleted for good, so that the library stays as large.
"""

from __future__ import annotations

import random
import threading
import time
import wave
import zipfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from prsnl.client import Client
from prsnl.core.errors import PrsnlError
from prsnl.wire.library import NewNote
from prsnl.wire.search import SearchQuery

SAMPLES: Final = Path(__file__).parents[1] / "samples"
#: The library is kept at so many items.
ITEMS: Final = 60
_RATE_HZ: Final = 16_000
_THINGS: Final = (
    "kettle landlord garden report budget meeting engine recipe journey contract "
    "library winter harbour letter school bakery river invoice boiler heating"
)
_WORDS: Final = _THINGS.split()
_PATIENCE_S: Final = 120.0


@dataclass
class Load:
    """Threads that ask, each at its own pace, until told to stop."""

    client: Client
    folder: Path
    #: Multiplies how often everything is asked.
    pace: float = 1.0
    #: What went wrong, by what was asked and the error's code.
    errors: Counter[str] = field(default_factory=Counter)
    #: How long answers took since the last look, by what was asked, in seconds.
    _took: dict[str, list[float]] = field(default_factory=dict)
    _items: deque[UUID] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _number: int = 0
    _events: int = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask while the block runs."""
        actors: dict[str, tuple[float, Callable[[random.Random], None]]] = {
            "note": (6, self._note),
            "document": (8, self._document),
            "scan": (60, self._scan),
            "ask": (8, self._ask),
            "embed": (15, self._embed),
            "sort": (20, self._sort),
            "recording": (30, self._recording),
            "search": (1, self._search),
            "look": (3, self._look),
            "follow": (10, self._follow),
            "cancel": (30, self._cancel),
        }
        threads = [
            threading.Thread(
                target=self._act, args=(name, every_s / self.pace, act), daemon=True
            )
            for name, (every_s, act) in actors.items()
        ]
        threads.append(threading.Thread(target=self._listen, daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads[:-1]:  # who listens hears of nothing more
                thread.join(timeout=10)

    def warm(self) -> None:
        """Ask for the largest of everything at once: what that takes is kept for good.

        Without it the moment when all threads are busy with large texts comes once,
        somewhere in the run, and looks like a leak.
        """
        chance = random.Random("warm")  # noqa: S311 - the same load in every run

        def large() -> None:
            self.client.process_with_llm(self._text(chance, 400), "analyze")

        many = [large] * 8 + [partial(self._scan, chance)] * 4
        many += [partial(self._recording, chance)] * 4
        threads = [threading.Thread(target=ask) for ask in many]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def taken(self) -> dict[str, list[float]]:
        """How long answers took since this was asked last."""
        with self._lock:
            took, self._took = self._took, {}
            return took

    @property
    def events(self) -> int:
        """How many events the feed has told."""
        return self._events

    def _act(
        self, name: str, every_s: float, act: Callable[[random.Random], None]
    ) -> None:
        chance = random.Random(name)  # noqa: S311 - the same load in every run
        while not self._stop.wait(every_s * chance.uniform(0.5, 1.5)):
            try:
                act(chance)
            except PrsnlError as error:
                if not self._stop.is_set():
                    self.errors[f"{name}: {error.code}"] += 1

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        with self._lock:
            self._took.setdefault(name, []).append(time.perf_counter() - began)

    def _next(self) -> int:
        with self._lock:
            self._number += 1
            return self._number

    def _text(self, chance: random.Random, sentences: int = 12) -> str:
        def sentence() -> str:
            one, two = chance.choice(_WORDS), chance.choice(_WORDS)
            return (
                f"On {chance.randint(1, 28)} May 2024 the {one} cost "
                f"{chance.randint(10, 999)}.00 EUR and the {two} was due."
            )

        return " ".join(sentence() for _ in range(sentences))

    def _note(self, chance: random.Random) -> None:
        number = self._next()
        note = NewNote(title=f"Note {number}", text=self._text(chance))
        with self._timed("submit"):
            kept = self.client.note(note)
        self._keep(kept.item.id)

    def _document(self, chance: random.Random) -> None:
        number = self._next()
        name = chance.choice(("lease-agreement.pdf", "garden-report.docx", "note.md"))
        path = self.folder / f"{number}-{name}"
        if name.endswith(".pdf"):
            content = (SAMPLES / name).read_bytes()
            path.write_bytes(content + f"\n% {number}\n".encode())
        elif name.endswith(".docx"):
            path.write_bytes((SAMPLES / name).read_bytes())
            with zipfile.ZipFile(path, "a") as file:
                file.comment = str(number).encode()
        else:
            path.write_text(f"# Note {number}\n\n{self._text(chance, 40)}\n", "utf-8")
        self._upload(path)

    def _scan(self, _chance: random.Random) -> None:
        number = self._next()
        path = self.folder / f"{number}-scan.pdf"
        content = (SAMPLES / "water-bill-scan.pdf").read_bytes()
        path.write_bytes(content + f"\n% {number}\n".encode())
        self._upload(path)

    def _recording(self, chance: random.Random) -> None:
        path = self.folder / f"{self._next()}-tone.wav"
        times = np.arange(4 * _RATE_HZ) / _RATE_HZ
        sound = np.sin(2 * np.pi * chance.uniform(200, 800) * times) * 12_000
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE_HZ)
            file.writeframes(sound.astype(np.int16).tobytes())
        self._upload(path)

    def _upload(self, path: Path) -> None:
        try:
            with self._timed("upload"):
                told = self.client.upload(path)
        finally:
            path.unlink()
        self._keep(told.item_id)

    def _ask(self, chance: random.Random) -> None:
        kind = chance.choice(("summarize", "analyze", "extract_insights"))
        text = f"{self._next()}. {self._text(chance)}"
        with self._timed("submit"):
            self.client.process_with_llm(text, kind)

    def _embed(self, chance: random.Random) -> None:
        texts = [(str(one), f"{self._next()} {self._text(chance, 2)}") for one in "abc"]
        with self._timed("submit"):
            self.client.embed_texts(texts, cache_prefix=f"{self._next()}")

    def _sort(self, chance: random.Random) -> None:
        with self._timed("submit"):
            self.client.categorize(contents=[f"{self._next()} {self._text(chance)}"])

    def _search(self, chance: random.Random) -> None:
        words = " ".join(chance.sample(_WORDS, 2))
        with self._timed("search"):
            self.client.search(SearchQuery(q=words))

    def _look(self, _chance: random.Random) -> None:
        with self._timed("look"):
            self.client.tasks(limit=50)
        self.client.queues()
        self.client.health()

    def _follow(self, chance: random.Random) -> None:
        accepted = self.client.process_with_llm(self._text(chance), "summarize")
        give_up_at = time.monotonic() + _PATIENCE_S
        with self._timed("followed to its end"):
            for _ in self.client.follow(accepted.task_id):
                if time.monotonic() > give_up_at or self._stop.is_set():
                    return

    def _cancel(self, chance: random.Random) -> None:
        accepted = self.client.process_with_llm(self._text(chance, 400), "analyze")
        self.client.cancel(accepted.task_id)

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                for _ in self.client.events():
                    self._events += 1
                    if self._stop.is_set():
                        return
            except PrsnlError as error:
                if not self._stop.is_set():
                    self.errors[f"listen: {error.code}"] += 1
            except RuntimeError:
                if not self._stop.is_set():
                    raise  # else the client was closed under the stream: the end

    def _keep(self, item_id: UUID) -> None:
        """Note an item; the oldest beyond the number goes for good."""
        with self._lock:
            self._items.append(item_id)
            gone = self._items.popleft() if len(self._items) > ITEMS else None
        if gone is not None:
            with self._timed("delete"):
                self.client.trash(gone)
                self.client.delete(gone)
