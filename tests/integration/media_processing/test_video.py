"""From a stored video to its key frames: real children, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from prsnl.core.errors import TimeLimitError
from prsnl.core.storage import FolderStorage
from prsnl.embedded.stack import StackUrls
from prsnl.engines import media
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.media.contract import MediaInfo
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from prsnl.items import editing, media_store, store
from prsnl.items.models import AttachmentView, FrameView
from prsnl.library import trash
from prsnl.media_processing.video_specs import (
    PROCESS_VIDEO,
    ProcessVideo,
    VideoOptions,
)
from prsnl.media_processing.viewing import Viewing
from prsnl.wiring import Wiring
from prsnl.work import blobs
from prsnl.work.ledger import TaskView
from prsnl.work.run import TaskRun
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.recordings import Picture, film, plain, scene, sound, tone
from tests.fakes.task_run import LooseRun
from tests.integration.file_processing.test_documents import Desk, working
from tests.saboteurs import shot_saboteur


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process; its warm children serve all tests here."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


def processed(
    desk: Desk, file: AttachmentView, *, again: str | None = None, **options: object
) -> TaskView:
    command = ProcessVideo(
        file_id=file.id, options=VideoOptions.model_validate(options), again=again
    )
    return desk.run(
        submission(PROCESS_VIDEO, command, owner="ada", attachment_id=file.id)
    )


def frames(desk: Desk, file: AttachmentView) -> list[FrameView]:
    return desk.database.run(
        lambda connection: media_store.frames(connection, file.id, owner="ada")
    )


def file_of(desk: Desk, file: AttachmentView) -> AttachmentView:
    return desk.database.run(
        lambda connection: store.attachment(connection, file.id, owner="ada")
    )


def test_each_shot_has_a_key_frame_and_none_stands_twice(
    desk: Desk, tmp_path: Path
) -> None:
    """Known cuts, some of them at places where no picture of the encoder begins."""
    seconds = [4.0, 11.5, 0.8, 20.0, 6.2, 9.5]
    shots = [(scene(number), one) for number, one in enumerate(seconds)]
    shots.insert(3, (plain(16), 2.0))
    path = film(tmp_path / "cuts.mp4", shots, with_sound=tone(2.0))
    file = desk.put("cuts.mp4", path.read_bytes())

    task = processed(desk, file)

    assert task.status is Status.SUCCESS, task.error
    kept = frames(desk, file)
    starts = [0.0, 4.0, 15.5, 18.3, 38.3, 44.5]
    ends = [4.0, 15.5, 16.3, 38.3, 44.5, 54.0]
    assert [
        sum(start - 0.1 <= one.time_s <= end for one in kept)
        for start, end in zip(starts, ends, strict=True)
    ] == [1] * 6
    assert task.result is not None
    assert (task.result["frames"], task.result["width"]) == (6, 320)
    assert task.result["duration_s"] == pytest.approx(sum(seconds) + 2.0, abs=0.1)
    told = file_of(desk, file)
    assert told.has_thumbnail
    assert told.kind == "mp4"
    assert told.media is not None
    assert told.media["video"]["height"] == 180


def test_what_is_done_is_found_and_another_number_chooses_anew(
    desk: Desk, tmp_path: Path
) -> None:
    """Of what was left out no picture is kept: those that are wanted are made again."""
    shots = [(scene(number + 50), 1.5) for number in range(8)]
    path = film(tmp_path / "more.mp4", shots)
    file = desk.put("more.mp4", path.read_bytes())
    processed(desk, file, frame_count=3)
    assert len(frames(desk, file)) == 3

    again = processed(desk, file, frame_count=3)
    more = processed(desk, file, frame_count=8)

    assert {"probe", "shots", "key frames"} <= desk.found_stages(again)
    assert "shots" in desk.found_stages(more)
    assert len(frames(desk, file)) == 8
    names = desk.database.run(
        lambda connection: [
            media_store.frame_blob(connection, file.id, number, owner="ada")
            for number in range(1, 9)
        ]
    )
    assert all(map(desk.wiring.storage.renew, names))
    doomed = desk.database.run(
        lambda connection: blobs.remove_doomed(connection, desk.wiring.storage)
    )
    assert doomed >= 0
    assert all(map(desk.wiring.storage.renew, names)), "what is shown stays"


def test_a_video_that_breaks_off_says_what_is_missing(
    desk: Desk, tmp_path: Path
) -> None:
    shots = [(scene(number + 70), 5.0) for number in range(4)]
    path = film(tmp_path / "whole.mkv", shots, codec="mpeg4")
    whole = path.read_bytes()
    file = desk.put("broken.mkv", whole[: len(whole) // 2])

    task = processed(desk, file)

    assert task.status is Status.SUCCESS, task.error
    assert any("damaged or cut off" in one for one in task.warnings), task.warnings
    assert 1 <= len(frames(desk, file)) < 4


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n", "unsupported"),
        (b"\x00\x00\x00\x18ftypisom" + bytes(200), "corrupt"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "corrupt"),
        (b"fLaC" + bytes(40), "corrupt"),
    ],
)
def test_what_cannot_be_read_fails_with_its_reason(
    desk: Desk, content: bytes, code: str
) -> None:
    task = processed(desk, desk.put("bad.mp4", content))

    assert task.status is Status.FAILURE
    assert task.error is not None
    assert task.error["code"] == code, task.error


def test_sound_alone_is_a_recording_with_its_cover_and_chapters(
    desk: Desk, tmp_path: Path
) -> None:
    path = sound(
        tmp_path / "talk.flac",
        [tone(1.0)],
        codec="flac",
        metadata={"title": "A talk", "artist": "Ada"},
    )
    file = desk.put("talk.flac", path.read_bytes())

    task = processed(desk, file)

    assert task.status is Status.SUCCESS, task.error
    told = file_of(desk, file)
    assert told.metadata["title"] == "A talk"
    assert told.media is not None
    assert told.media["video"] is None
    assert told.media["audio"][0]["rate"] == 16_000
    assert told.processing_status == "completed"


def test_a_recording_that_comes_as_a_document_is_handed_on(
    desk: Desk, tmp_path: Path
) -> None:
    """Also one in an archive or a batch: nobody has to know which task is right."""
    path = film(tmp_path / "clip.mp4", [(scene(200), 1.0), (scene(201), 1.0)])
    file = desk.put("clip.mp4", path.read_bytes())

    parent = desk.process(file)
    assert parent.status is Status.WAITING
    (child,) = desk.database.run(
        lambda connection: connection.execute(
            "select id, name from tasks where parent_id = %s", [parent.task_id]
        ).fetchall()
    )
    desk.runner.execute(child["id"])
    desk.runner.execute(parent.task_id)

    told = desk.task(parent.task_id)
    assert told.status is Status.SUCCESS, told.error
    assert told.result is not None
    assert told.result["recording_task_id"] == str(child["id"])
    assert child["name"] == PROCESS_VIDEO.name
    assert len(frames(desk, file)) == 2


def test_a_recording_that_fails_fails_the_task_that_handed_it_on(desk: Desk) -> None:
    file = desk.put("cut.mp4", b"\x00\x00\x00\x18ftypisom" + bytes(300))

    parent = desk.process(file)
    (child,) = desk.database.run(
        lambda connection: connection.execute(
            "select id from tasks where parent_id = %s", [parent.task_id]
        ).fetchall()
    )
    desk.runner.execute(child["id"])
    desk.runner.execute(parent.task_id)

    told = desk.task(parent.task_id)
    assert told.status is Status.FAILURE
    assert told.error is not None
    assert told.error["code"] == "corrupt"


def test_nothing_is_left_of_a_video_that_is_deleted(desk: Desk, tmp_path: Path) -> None:
    path = film(tmp_path / "gone.mp4", [(scene(300), 1.0), (scene(301), 1.0)])
    file = desk.put("gone.mp4", path.read_bytes())
    processed(desk, file)
    storage = desk.wiring.storage
    names = desk.database.run(
        lambda connection: [
            row["name"]
            for row in connection.execute(
                "select name from blob_names where attachment_id = %s", [file.id]
            ).fetchall()
        ]
    )
    assert len(names) == 4, "the file, its thumbnail, two frames"

    with desk.database.connection() as connection:
        editing.trash(connection, [file.item_id], owner="ada")
        trash.purge(connection, storage, [file.item_id], owner="ada")

    assert [name for name in names if storage.renew(name)] == []
    left = desk.database.run(
        lambda connection: connection.execute(
            "select 1 from attachment_frames where attachment_id = %s", [file.id]
        ).fetchall()
    )
    assert left == []


def test_what_stands_on_slides_is_their_videos_text_if_asked_for(
    desk: Desk, tmp_path: Path
) -> None:
    """A talk without sound is found by the words of its slides."""
    shots = [
        (slide("The heat pump in winter"), 1.5),
        (scene(500, width=960, height=540), 1.5),
    ]
    file = desk.put("slides.mp4", film(tmp_path / "s.mp4", shots).read_bytes())

    task = processed(desk, file, read_frames=True, generate_insights=False)

    assert task.status is Status.SUCCESS, task.error
    assert task.result is not None
    told = {one.number: one.text or "" for one in frames(desk, file)}
    assert "heat pump" in told[1].lower(), (told, task.warnings)
    text = desk.database.run(
        lambda connection: store.text(connection, file.id, owner="ada")
    )
    assert "heat pump" in text.lower()


def slide(words: str) -> Picture:
    drawn = Image.new("RGB", (960, 540), "white")
    ImageDraw.Draw(drawn).text((80, 200), words, "black", ImageFont.load_default(56))
    return np.asarray(drawn)


class Sabotaged(Wiring):
    """The product's wiring, with a decoder that dies on its way."""

    def sandbox(self) -> SandboxPool:
        return sabotaged_pool(self.settings.storage.folder / "scratch", "shots")


def sabotaged_pool(folder: Path, how: str) -> SandboxPool:
    profile = Profile(preload=media.PRELOAD, memory_bytes=3 * 2**29)
    return SandboxPool(
        scratch_root=folder,
        limits=ChildLimits(disk_bytes=2**28),
        profiles={"media": profile, "media with more room": profile},
        operations={**OPERATIONS, "media.shots": f"shot_saboteur:{how}"},
        source_folders=(Path(shot_saboteur.__file__).parent,),
    )


@pytest.fixture
def dying(stack: StackUrls, tmp_path: Path) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path / "s")
        yield from working(Sabotaged(**vars(wiring)))


def test_a_killed_video_goes_on_where_it_was(dying: Desk, tmp_path: Path) -> None:
    """What was looked through is not decoded again, and the frames are the same."""
    shots = [(scene(number + 400), 15.0) for number in range(8)]
    path = film(tmp_path / "long.mp4", shots, rate=4)
    file = dying.put("long.mp4", path.read_bytes())
    first = processed(dying, file)
    assert (first.status, first.attempt) == (Status.QUEUED, 1), first.error
    dying.runner.execute(first.task_id)

    task = dying.task(first.task_id)
    assert task.status is Status.SUCCESS, task.error
    rows = dying.database.run(
        lambda connection: connection.execute(
            "select unit, claim_no from task_stages "
            "where task_id = %s and stage = 'shots' order by unit",
            [first.task_id],
        ).fetchall()
    )
    assert [row["claim_no"] for row in rows] == [1, 1, 2, 2]
    assert len(frames(dying, file)) == 8


def test_progress_without_end_is_a_time_limit(tmp_path: Path) -> None:
    """A child that only says that it goes on must not go on for ever."""
    storage = FolderStorage(tmp_path / "storage")
    storage.prepare()
    name = storage.put_bytes(b"a video")
    with sabotaged_pool(tmp_path / "scratch", "endless") as pool:
        viewing = Viewing(
            cast("TaskRun", LooseRun()),
            cast("AttachmentView", SimpleNamespace(sha256=name)),
            pool,
            storage,
            answer_timeout_s=0.1,
        )
        info = MediaInfo(
            kind="mp4", mime_type="video/mp4", duration_s=9.0, duration_from="header"
        )
        with viewing, pytest.raises(TimeLimitError, match="took too long"):
            list(viewing.shots(info, [1]))
