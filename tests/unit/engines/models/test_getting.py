"""Getting a model from a real host that cuts, lies and refuses, and from a folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from prsnl.core.errors import (
    BadRequestError,
    ConflictError,
    CorruptError,
    DiskFullError,
    NotFoundError,
    UnavailableError,
)
from prsnl.engines.models.catalogue import catalogue
from prsnl.engines.models.getting import get
from prsnl.engines.models.local import Local
from prsnl.engines.models.remote import Remote
from prsnl.engines.models.store import ModelStore
from tests.fakes.model_host import (
    PATH,
    SIZE_BYTES,
    ModelHost,
    content,
    little_model,
    model_host,
)

MODEL = little_model()
WEIGHTS = f"/{PATH}/model.bin"


@pytest.fixture
def host() -> Iterator[ModelHost]:
    with model_host() as running:
        yield running


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore.of(tmp_path / "data")


def remote(host: ModelHost, slept: list[float] | None = None) -> Remote:
    """The host, with waits that are noted and not waited."""
    return Remote(host.url, sleep=[].append if slept is None else slept.append)


def is_there(store: ModelStore) -> bool:
    """Whether the model is there, whole."""
    folder = store.found(MODEL.name)
    return folder is not None and all(
        (folder / file.name).read_bytes() == content(file.name, file.size_bytes)
        for file in MODEL.files
    )


def left_over(store: ModelStore) -> list[str]:
    """The files that lie in the store besides the model."""
    found = (
        each.relative_to(store.root)
        for each in store.root.rglob("*")
        if each.is_file() and each.name != ".lock"
    )
    return [str(each) for each in found if each.parts[0] != "little"]


def test_a_model_is_there_whole_with_its_licence_and_where_it_is_from(
    host: ModelHost, store: ModelStore
) -> None:
    told: list[int] = []

    folder = get(MODEL, store, remote(host), told=told.append)

    assert is_there(store)
    assert store.has(MODEL)
    assert store.names() == ["little"]
    assert sum(told) == MODEL.size_bytes
    origin = json.loads((folder / "origin.json").read_text())
    assert origin["licence"] == "MIT"
    assert host.url.endswith(origin["from"])
    assert left_over(store) == []


def test_after_a_cut_it_goes_on_from_there(host: ModelHost, store: ModelStore) -> None:
    host.cuts = [2_000, 100_000, 50_000]
    told: list[int] = []

    get(MODEL, store, remote(host), told=told.append)

    assert is_there(store)
    assert [asked for path, asked in host.asked if path == WEIGHTS] == [
        None,
        "bytes=100000-",
        "bytes=150000-",
    ]
    assert sum(told) == MODEL.size_bytes


def test_a_command_that_broke_off_is_gone_on_with_by_the_next(
    host: ModelHost, store: ModelStore
) -> None:
    host.cuts = [2_000, 120_000]
    with pytest.raises(UnavailableError, match=r"40 % of model\.bin is here"):
        get(MODEL, store, replace(remote(host), waits_s=()))
    assert store.found("little") is None
    assert store.names() == []
    assert store.partial_bytes("little") == 122_000
    told: list[int] = []

    get(MODEL, store, remote(host), told=told.append)

    assert is_there(store)
    assert host.asked[-1] == (WEIGHTS, "bytes=120000-")
    assert sum(told) == MODEL.size_bytes


def test_a_host_that_cannot_go_on_begins_anew(
    host: ModelHost, store: ModelStore
) -> None:
    host.has_ranges = False
    host.cuts = [2_000, 200_000]
    told: list[int] = []

    get(MODEL, store, remote(host), told=told.append)

    assert is_there(store)
    assert sum(told) == MODEL.size_bytes


def test_a_host_that_is_silent_for_good_is_tried_a_few_times(
    host: ModelHost, store: ModelStore
) -> None:
    host.statuses = [503] * 20
    slept: list[float] = []

    with pytest.raises(UnavailableError, match=r"does not answer \(status 503\)"):
        get(MODEL, store, remote(host, slept))

    assert slept == [7, 7, 7, 8]


def test_a_wrong_checksum_is_tried_once_more_and_leaves_nothing(
    host: ModelHost, store: ModelStore
) -> None:
    host.files[WEIGHTS] = content("another file")

    with pytest.raises(CorruptError, match="checksum is wrong"):
        get(MODEL, store, remote(host))

    assert store.found("little") is None
    assert [path for path, _ in host.asked].count(WEIGHTS) == 2
    assert store.partial_bytes("little") == 2_000


def test_a_wrong_beginning_that_was_left_is_not_built_upon(
    host: ModelHost, store: ModelStore
) -> None:
    """A file that was changed on the host between two tries fits no checksum."""
    with store.incoming(MODEL) as folder:
        (folder / "model.bin").write_bytes(content("another file")[:100_000])

    get(MODEL, store, remote(host))

    assert is_there(store)


@pytest.mark.parametrize("left", [SIZE_BYTES, SIZE_BYTES + 5])
def test_a_left_file_that_is_too_long_or_wrong_is_fetched_anew(
    host: ModelHost, store: ModelStore, left: int
) -> None:
    with store.incoming(MODEL) as folder:
        (folder / "model.bin").write_bytes(bytes(left))

    get(MODEL, store, remote(host))

    assert is_there(store)


def test_a_page_instead_of_the_file_is_told_at_once(
    host: ModelHost, store: ModelStore
) -> None:
    """A hotel's network answers everything with its own page."""
    host.files[WEIGHTS] = b"<html>Welcome! Please sign in.</html>"

    with pytest.raises(CorruptError, match="37 bytes, not 300000"):
        get(MODEL, store, remote(host))

    assert len(host.asked) == 2


def test_a_host_may_lead_elsewhere(host: ModelHost, store: ModelStore) -> None:
    host.redirects = True

    get(MODEL, store, remote(host))

    assert is_there(store)


def test_what_the_host_does_not_have_is_not_asked_for_again(
    host: ModelHost, store: ModelStore
) -> None:
    del host.files[WEIGHTS]

    with pytest.raises(NotFoundError, match="PRSNL_MODELS_URL"):
        get(MODEL, store, remote(host))

    assert len(host.asked) == 2


def test_no_host_at_all_is_one_sentence(store: ModelStore) -> None:
    nobody = Remote("http://127.0.0.1:9", sleep=[].append)

    with pytest.raises(UnavailableError, match=r"127\.0\.0\.1:9 does not answer"):
        get(MODEL, store, nobody)


def test_a_disk_without_room_is_told_before_anything_is_fetched(
    host: ModelHost, store: ModelStore
) -> None:
    with pytest.raises(DiskFullError, match="little needs"):
        get(MODEL, store, remote(host), floor_bytes=2**60)

    assert host.asked == []
    assert left_over(store) == []


#: The kernel refuses to write more: as on a disk that others fill meanwhile.
FULL = """
import resource, sys
from pathlib import Path
from prsnl.core.errors import PrsnlError
from prsnl.engines.models.getting import get
from prsnl.engines.models.local import Local
from prsnl.engines.models.remote import Remote
from prsnl.engines.models.store import ModelStore
from tests.fakes.model_host import little_model
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, 150_000))
model, where = little_model(), sys.argv[1]
source = Remote(where) if "://" in where else Local(Path(where))
try:
    get(model, ModelStore.of(Path(sys.argv[2])), source)
except PrsnlError as error:
    raise SystemExit(f"{error.code}: {error.message}")
"""


@pytest.mark.parametrize("is_local", [False, True])
def test_a_disk_that_becomes_full_leaves_nothing_half(
    host: ModelHost, store: ModelStore, tmp_path: Path, *, is_local: bool
) -> None:
    where = str(files(tmp_path / "mine")) if is_local else host.url

    done = subprocess.run(
        [sys.executable, "-c", FULL, where, str(store.root.parent)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr.startswith("disk_full: ")
    assert "little was not installed, and nothing of it is left" in done.stderr
    assert left_over(store) == []
    assert store.names() == []


def test_of_two_commands_at_once_the_second_is_told(
    host: ModelHost, store: ModelStore
) -> None:
    with (
        store.incoming(MODEL),
        pytest.raises(ConflictError, match="wait for it"),
    ):
        get(MODEL, store, remote(host))


def files(folder: Path) -> Path:
    """The model's files as a person has them on a stick."""
    folder.mkdir(parents=True)
    for file in MODEL.files:
        (folder / file.name).write_bytes(content(file.name, file.size_bytes))
    return folder


@pytest.mark.parametrize(
    "below", [".", "little", "hub/models--maker--little/snapshots/0123abc"]
)
def test_files_that_are_here_already_are_copied(
    store: ModelStore, tmp_path: Path, below: str
) -> None:
    files(tmp_path / "stick" / below)

    get(MODEL, store, Local.of(tmp_path / "stick", MODEL))

    assert is_there(store)


def test_other_files_are_not_taken_for_the_model(
    store: ModelStore, tmp_path: Path
) -> None:
    folder = files(tmp_path / "stick")
    (folder / "model.bin").write_bytes(content("another file"))

    with pytest.raises(BadRequestError, match="its checksum is another"):
        get(MODEL, store, Local.of(folder, MODEL))

    assert store.names() == []


@pytest.mark.parametrize(
    ("name", "said"),
    [("model.bin", "does not hold little"), ("..", "10 bytes, not 300000")],
)
def test_a_folder_without_the_files_is_told_before_anything_is_copied(
    tmp_path: Path, name: str, said: str
) -> None:
    folder = files(tmp_path / "stick")
    if name == "..":
        (folder / "model.bin").write_bytes(bytes(10))
    else:
        (folder / name).unlink()

    with pytest.raises(BadRequestError, match=said):
        Local.of(folder, MODEL)


def test_a_removed_model_is_gone_and_another_one_stays(
    host: ModelHost, store: ModelStore
) -> None:
    get(MODEL, store, remote(host))
    (store.root / "mine").mkdir()
    (store.root / "mine" / "model.bin").touch()

    freed = store.remove("little")

    assert freed > MODEL.size_bytes
    assert store.names() == ["mine"]
    assert left_over(store) == ["mine/model.bin"]


@pytest.mark.parametrize(
    "name", ["../outside", "../../outside", ".incoming", "", ".", ".."]
)
def test_only_a_plain_name_is_a_model_of_the_store(
    store: ModelStore, name: str
) -> None:
    with store.incoming(MODEL):
        pass
    outside = store.root.parent / "outside"
    outside.mkdir()
    (outside / "file").touch()

    assert store.found(name) is None
    assert store.partial_bytes(name) == 0
    with pytest.raises(BadRequestError, match="no name of a model"):
        store.remove(name)
    assert (outside / "file").exists()


def test_the_catalogue_names_a_model_for_every_machine() -> None:
    known = catalogue()

    fitting = [
        known.fitting("speech", memory_bytes=gib * 2**30) for gib in (1, 4, 16, 512)
    ]

    assert [model and model.name for model in fitting] == [
        "tiny",
        "base",
        "small",
        "small",
    ]
    assert [model.size_bytes for model in known.models] == sorted(
        model.size_bytes for model in known.models
    )
    with pytest.raises(BadRequestError, match="there are speech, tiny, base"):
        known.named("huge")
