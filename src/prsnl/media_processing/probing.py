"""What a recording is, and the picture that comes with its sound: known first."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.storage import Storage
from prsnl.engines.contracts import Value
from prsnl.engines.media.contract import MediaInfo
from prsnl.engines.versions import versions
from prsnl.items import media_store, store
from prsnl.media_processing.viewing import THUMBNAIL_WIDTH, Viewing
from prsnl.work.run import TaskRun
from prsnl.work.stages import Stage


class Cover(Value):
    """The storage name of the picture that comes with the sound; None without one."""

    name: str | None


#: Less that cannot be read is no matter: clocks and headers waver.
_EARLY_S: Final = 1.0
_EARLY_PART: Final = 0.02

PROBE: Final = Stage(
    name="probe", version=2, result=MediaInfo, title="Looking into the recording"
)
COVER: Final = Stage(
    name="cover", version=1, result=Cover, title="Taking out its cover"
)


def probed(
    run: TaskRun, viewing: Viewing, storage: Storage, content: Sequence[bytes]
) -> MediaInfo:
    """Look into a recording; keep what it is, and its cover as its picture.

    Args:
        run: Keeps the stages.
        viewing: Its child.
        storage: Keeps the cover.
        content: What the stages that read the file are made from.
    """
    file_id = viewing.file.id
    info = run.stage(
        PROBE,
        inputs=content,
        parameters=versions("av"),
        work=viewing.probe,
        store=lambda connection, told: media_store.save_media(
            connection, file_id, told
        ),
    ).value
    run.warnings.extend(info.warnings)
    if info.has_cover and info.video is None:
        run.stage(
            COVER,
            inputs=content,
            parameters=versions("av", "pillow"),
            work=lambda: _cover(viewing, storage, info),
            store=partial(_store, file_id),
            is_whole=lambda kept: kept.name is None or storage.renew(kept.name),
        )
    return info


def ends_early(info: MediaInfo, reached_s: float, *, what_ends: str) -> str | None:
    """What is missing at the end of a recording, in a sentence; None if nothing is.

    Args:
        info: What its header says.
        reached_s: Up to where it could be read.
        what_ends: Such as "its pictures end".
    """
    promised_s = info.duration_s or 0.0
    if promised_s - reached_s <= max(_EARLY_S, promised_s * _EARLY_PART):
        return None
    return (
        f"The recording says that it is {promised_s:.0f} s long; {what_ends} at "
        f"{reached_s:.0f} s: the file is damaged or cut off."
    )


def _cover(viewing: Viewing, storage: Storage, info: MediaInfo) -> Cover:
    picture = viewing.cover(info, width=THUMBNAIL_WIDTH)
    return Cover(name=None if picture is None else storage.put_bytes(picture))


def _store(attachment_id: UUID, connection: Db, made: Cover) -> None:
    if made.name is not None:
        store.save_thumbnail(connection, attachment_id, made.name)
