"""`./prsnl models`: what there is, what it weighs, and getting it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from prsnl.core.errors import BadRequestError
from prsnl.core.incoming import told_bytes
from prsnl.core.settings import Settings
from prsnl.core.settings.kept import KeptSettings
from prsnl.engines.models.catalogue import Catalogue, Model, catalogue
from prsnl.engines.models.checking import is_whole
from prsnl.engines.models.getting import get as get_model
from prsnl.engines.models.local import Local
from prsnl.engines.models.remote import OnBytes, Remote
from prsnl.engines.models.store import ModelStore
from prsnl.terminal.choosing import overruled
from prsnl.terminal.live import print_lines
from prsnl.terminal.redoing import drafts_there
from prsnl.terminal.renewal import take_up

#: Which setting names the model of a job.
_SETTINGS: Final = {"speech": "PRSNL_SPEECH_MODEL"}
_PLAIN_EVERY_S: Final = 5.0


def show(settings: Settings, *, is_json: bool) -> int:
    """Every known model, and what is here besides."""
    store = ModelStore.of(settings.storage.folder)
    known, here = catalogue(), store.names()
    if is_json:
        print_lines(json.dumps([_as_json(settings, store, m) for m in known.models]))
        return 0
    fitting = {job: _fitting(known, job).name for job in known.jobs()}
    for model in known.models:
        notes = [told_bytes(model.size_bytes), model.licence, model.about]
        if model.word_error_rate is not None:
            notes.append(f"{model.word_error_rate} % wrong words on clean English")
        state = _state(settings, store, model)
        usual = "  <- the usual one here" if fitting[model.job] == model.name else ""
        print_lines(f"{state:9} {model.name:15} {', '.join(notes)}{usual}")
    for name in here:
        if name not in {model.name for model in known.models}:
            print_lines(f"{'yours':9} {name:15} {told_bytes(store.size_bytes(name))}")
    print_lines(
        "Get one: ./prsnl models get NAME   Remove one: ./prsnl models remove NAME"
    )
    return 0


def get(
    settings: Settings,
    name: str,
    *,
    folder: Path | None,
    is_agreed: bool,
    known: Catalogue | None = None,
) -> int:
    """Get a model, keep it as the one to use, and have it taken up.

    Args:
        settings: Those in force.
        name: A model's, or a job's: that gets the one that fits this machine.
        folder: Where its files are already.
        is_agreed: Nobody is asked.
        known: The models that there are; by default those of the program.

    Raises:
        PrsnlError: It cannot be; nothing half is left.
    """
    known = known or catalogue()
    model = _fitting(known, name) if name in known.jobs() else known.named(name)
    store = ModelStore.of(settings.storage.folder)
    if folder is None and _is_whole(store, model):
        print_lines(f"{model.name} is here already, whole and checked.")
    else:
        source = _source(settings, known, model, folder)
        print_lines(*_offer(model, store, source))
        if not (is_agreed or _agrees()):
            print_lines("Nothing was fetched.")
            return 1
        _fetch(settings, model, store, source)
    _use(settings, model)
    return 0


def remove(settings: Settings, names: list[str]) -> int:
    """Remove models; what used one goes back to what came with the program.

    Raises:
        BadRequestError: One is not here; then none is removed.
    """
    store = ModelStore.of(settings.storage.folder)
    for name in names:
        if store.found(name) is None and not store.partial_bytes(name):
            raise BadRequestError(
                f"{name} is not here: ./prsnl models list shows what is."
            )
    used = _used(settings, store)
    if settings.speech.speech_model in names:
        changes: dict[str, str | None] = {_SETTINGS["speech"]: None}
        KeptSettings(settings.storage.folder).change(changes)
        print_lines(*overruled(settings.storage.folder, changes))
    for name in names:
        print_lines(f"Removed {name}: {told_bytes(store.remove(name))} are free again.")
    if used in names:
        print_lines(f"{used} was in use. {take_up(settings)}")
    return 0


def _fitting(known: Catalogue, job: str) -> Model:
    memory_bytes = psutil.virtual_memory().total
    found = known.fitting(job, memory_bytes=memory_bytes)
    assert found is not None  # a job is named by its models
    return found


def _source(
    settings: Settings, known: Catalogue, model: Model, folder: Path | None
) -> Remote | Local:
    if folder is not None:
        return Local.of(folder, model)
    return Remote(settings.models.models_url or known.host)


def _is_whole(store: ModelStore, model: Model) -> bool:
    """Whether it is here as it should be; of a damaged one the answer is to get it."""
    folder = store.folder(model.name)
    return store.has(model) and all(
        is_whole(folder / file.name, file) for file in model.files
    )


def _offer(model: Model, store: ModelStore, source: Remote | Local) -> Iterator[str]:
    """What it is, before anything happens."""
    where = source.host if isinstance(source, Remote) else str(source.folder)
    yield f"{model.title}   {told_bytes(model.size_bytes)}   licence {model.licence}"
    yield f"  from {where}, checked by its checksums, into {store.folder(model.name)}"
    if isinstance(source, Remote):
        yield "  Nothing of yours is sent; afterwards it works without a network."
        if here := store.partial_bytes(model.name):
            yield f"  {told_bytes(here)} are here from an earlier try."


def _agrees() -> bool:
    """Ask; only a person at a terminal can agree.

    Raises:
        BadRequestError: Nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise BadRequestError(
            "Nobody is here to agree: add --yes to get it all the same."
        )
    sys.stdout.write("Get it? [Y/n] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in {"", "y", "yes"}


def _fetch(
    settings: Settings, model: Model, store: ModelStore, source: Remote | Local
) -> None:
    try:
        with _shown(model) as told:
            get_model(
                model,
                store,
                source,
                told=told,
                floor_bytes=settings.storage.free_disk_floor_bytes,
            )
    except KeyboardInterrupt:
        here = store.partial_bytes(model.name)
        sys.stderr.write(
            f"\nStopped. {told_bytes(here)} of {model.name} stay: the same command "
            f"goes on from there, ./prsnl models remove {model.name} removes them.\n"
        )
        raise
    print_lines(f"{model.name} is here, whole and checked.")


def _use(settings: Settings, model: Model) -> None:
    """Name it in the settings, and tell what follows."""
    changes: dict[str, str | None] = {_SETTINGS[model.job]: model.name}
    kept = KeptSettings(settings.storage.folder)
    kept.change(changes)
    print_lines(*overruled(settings.storage.folder, changes))
    print_lines(take_up(settings))
    if drafts := drafts_there(settings):
        print_lines(drafts)


def _used(settings: Settings, store: ModelStore) -> str | None:
    """The model that hears: the one that is named, else the largest that is here."""
    named = settings.speech.speech_model
    return named or max(store.names(), key=store.size_bytes, default=None)


def _state(settings: Settings, store: ModelStore, model: Model) -> str:
    if store.has(model):
        return "in use" if _used(settings, store) == model.name else "here"
    return "partly" if store.partial_bytes(model.name) else ""


def _as_json(settings: Settings, store: ModelStore, model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "job": model.job,
        "title": model.title,
        "licence": model.licence,
        "size_bytes": model.size_bytes,
        "is_here": store.has(model),
        "is_used": _state(settings, store, model) == "in use",
    }


@contextmanager
def _shown(model: Model) -> Iterator[OnBytes]:
    """How far it is: a bar on a terminal, a line now and then elsewhere."""
    if not sys.stderr.isatty():
        yield _Plain(model).add
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        task = progress.add_task(model.name, total=model.size_bytes)
        yield lambda more: progress.advance(task, more)


@dataclass
class _Plain:
    """Lines for a log."""

    model: Model
    _bytes: int = 0
    _said_at: float = field(default_factory=time.monotonic)

    def add(self, more: int) -> None:
        self._bytes += more
        if time.monotonic() - self._said_at > _PLAIN_EVERY_S:
            self._said_at = time.monotonic()
            share = 100 * self._bytes // self.model.size_bytes
            sys.stderr.write(f"{self.model.name}   {share} %\n")
            sys.stderr.flush()
