"""Videos with one slice a picture and with several, and who decodes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from prsnl.engines.media.container import Damage, opened, packets
from prsnl.engines.media.probe import film as film_of
from prsnl.engines.media.shots import shots
from prsnl.engines.media.threads import share_out
from tests.fakes.child_files import FolderFiles
from tests.fakes.recordings import film, scene

PARTS = [(scene(1), 1.0), (scene(2), 1.0)]


def made(path: Path, *, slices: int) -> Path:
    """An H.264 film; in MP4 its parts have lengths, in a transport stream codes."""
    return film(
        path,
        PARTS,
        codec="libx264",
        options={"x264-params": f"sliced-threads=0:threads=1:slices={slices}"},
    )


def shared_out(path: Path) -> str:
    with opened(path) as container:
        stream = film_of(container)
        first = next(packets(container, stream, Damage()))
        share_out(stream, first, cores=4)
        return str(stream.thread_type.name)


@pytest.mark.parametrize("name", ["film.mp4", "film.ts", "film.mkv"])
def test_only_slices_enough_for_every_core_are_shared_out(
    tmp_path: Path, name: str
) -> None:
    told = {
        count: shared_out(made(tmp_path / name, slices=count)) for count in (1, 2, 4)
    }

    assert told == {1: "AUTO", 2: "AUTO", 4: "SLICE"}


def test_a_codec_that_is_not_looked_into_is_left_to_ffmpeg(tmp_path: Path) -> None:
    assert shared_out(film(tmp_path / "film.mp4", PARTS)) == "AUTO"


def test_both_ways_see_the_same(tmp_path: Path) -> None:
    files = FolderFiles(tmp_path, tmp_path)
    seen = []
    for slices in (1, 8):
        name = f"film-{slices}.mp4"
        made(files.inputs / name, slices=slices)
        (told,) = shots(files, {"path": name, "spans": [[0.0, 5.0]]})
        seen.append([(one["start_s"], one["end_s"]) for one in told["shots"]])

    assert seen == [[(0.0, 1.0), (1.0, 1.9)]] * 2
