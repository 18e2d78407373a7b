"""Shots: each cut is found, whatever the encoder marks; the best picture stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prsnl.core.errors import EmptyError
from prsnl.engines.media.choosing import chosen
from prsnl.engines.media.contract import Shot, SpanShots
from prsnl.engines.media.likeness import likeness
from prsnl.engines.media.shots import shots
from tests.fakes.child_files import FolderFiles
from tests.fakes.recordings import Picture, film, plain, scene, sound, tone


def looked(
    path: Path, *spans: tuple[float, float], **more: Any
) -> tuple[list[SpanShots], Path]:
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    told = shots(
        FolderFiles(path.parent, out),
        {"path": path.name, "spans": list(spans) or [(0.0, 1e6)], **more},
    )
    frames = [frame for frame in told if "tick" not in frame]
    return [SpanShots.model_validate(frame) for frame in frames], out


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
@pytest.mark.parametrize("keyframe_every", [5, 300])
def test_every_cut_is_found_and_none_besides(
    tmp_path: Path, codec: str, keyframe_every: int
) -> None:
    seconds = [1.2, 0.8, 2.5, 1.0, 3.0]
    made = [(scene(n), s) for n, s in enumerate(seconds)]
    path = film(tmp_path / "a.mp4", made, codec=codec, keyframe_every=keyframe_every)

    (seen,), out = looked(path)

    starts = np.cumsum([0, *seconds[:-1]])
    assert [one.start_s for one in seen.shots] == pytest.approx(starts, abs=0.11)
    assert [one.is_cut for one in seen.shots] == [False, *[True] * 4]
    assert seen.pictures == 85
    for one, start, length in zip(seen.shots, starts, seconds, strict=True):
        assert start <= one.time_s < start + length
        with Image.open(out / one.file_name) as picture:
            assert picture.size == (320, 180)


def test_a_span_is_seen_alike_whatever_was_looked_at_before(tmp_path: Path) -> None:
    """A killed task goes on in the middle, and must not find other shots for that."""
    path = film(tmp_path / "a.mp4", [(scene(n), 1.5) for n in range(8)])

    both, _ = looked(path, (0.0, 5.0), (5.0, 1e6))
    second, _ = looked(path, (5.0, 1e6))

    alone = [one.model_dump(exclude={"file_name"}) for one in second[0].shots]
    assert [one.model_dump(exclude={"file_name"}) for one in both[1].shots] == alone


def test_a_flash_is_no_shot_of_its_own(tmp_path: Path) -> None:
    path = film(
        tmp_path / "a.mp4",
        [(scene(1), 2.0), (plain(250), 0.1), (scene(1), 2.0), (scene(2), 2.0)],
    )

    (seen,), _ = looked(path)
    kept = chosen(seen.shots, 60)

    assert len(kept.places) == 2
    assert kept.alike >= 1


def test_a_pan_is_one_shot(tmp_path: Path) -> None:
    wide = np.asarray(
        Image.fromarray(scene(5, width=64, height=36)).resize(
            (640, 180), Image.Resampling.BICUBIC
        )
    )
    made: list[tuple[Picture, float]] = [
        (np.ascontiguousarray(wide[:, at : at + 320]), 0.1) for at in range(0, 120, 3)
    ]
    path = film(tmp_path / "a.mp4", made)

    (seen,), _ = looked(path)

    assert len(seen.shots) == 1


def test_a_slide_that_changes_a_little_is_another_one(tmp_path: Path) -> None:
    """On slides all stands still: a new line is a cut, as small as it is."""
    first = plain(240)
    first[20:30, 20:200] = 30
    second = first.copy()
    second[60:110, 20:260:4] = 30
    path = film(tmp_path / "a.mp4", [(first, 2.0), (second, 2.0)], codec="libx264")

    (seen,), _ = looked(path)

    assert [one.is_cut for one in seen.shots] == [False, True]
    assert len(chosen(seen.shots, 60).places) == 2


def test_marked_pictures_alone_are_quick_and_still_find_shots(tmp_path: Path) -> None:
    made = [(scene(n), 8.0) for n in range(3)]
    path = film(tmp_path / "a.mp4", made, keyframe_every=10)

    (seen,), _ = looked(path, key_pictures_only=True)

    assert seen.pictures == 24
    assert len(chosen(seen.shots, 60).places) == 3


def test_sound_alone_shows_nothing(tmp_path: Path) -> None:
    path = sound(tmp_path / "a.wav", [tone(0.5)])

    with pytest.raises(EmptyError, match="shows nothing"):
        looked(path)


def shot(number: int, picture: Picture, **more: Any) -> Shot:
    values: dict[str, Any] = {
        "start_s": number * 10.0,
        "end_s": number * 10.0 + 10,
        "is_cut": True,
        "time_s": number * 10.0 + 5,
        "file_name": f"{number}.jpg",
        "width": 320,
        "height": 180,
        "sharpness": 10.0,
        "is_blank": False,
        "likeness": likeness(Image.fromarray(picture)),
    }
    return Shot.model_validate(values | more)


def test_what_comes_back_is_shown_once_and_the_sharper_one_stays() -> None:
    again = [
        shot(0, scene(1)),
        shot(1, scene(2)),
        shot(2, scene(1), sharpness=20.0),
        shot(3, plain(10), is_blank=True),
    ]

    told = chosen(again, 60)

    assert told.places == (1, 2)
    assert (told.alike, told.blank) == (1, 1)


def test_of_too_many_every_part_of_the_video_keeps_some() -> None:
    many = [shot(n, scene(n), is_cut=n % 3 == 0) for n in range(40)]

    told = chosen(many, 8)

    assert len(told.places) == 8
    assert told.beyond == 32
    assert [place // 5 for place in told.places] == list(range(8))


def test_a_video_of_nothing_has_one_picture_and_no_video_none() -> None:
    blank = [shot(n, plain(5), is_blank=True) for n in range(3)]

    assert chosen(blank, 60).places == (0,)
    assert chosen([], 60).places == ()
