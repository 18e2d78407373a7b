"""What a person and a program are told of a recording, and its frames as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from prsnl.client import Client
from prsnl.items.models import AttachmentView, FrameView

#: What the folder of a video's frames is called after the video.
FRAMES_ENDING: Final = "frames"
_HOUR_S: Final = 3600


def length(seconds: float) -> str:
    """How long a recording is: "0:10", "1:02:07"."""
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, _HOUR_S)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def head(attachment: AttachmentView, frames: Sequence[FrameView]) -> list[str]:
    """The parts of a recording's head line; none for other files."""
    media = attachment.media
    if media is None:
        return []
    told = []
    if media.get("duration_s") is not None:
        told.append(f"{length(media['duration_s'])} long")
    if (video := media.get("video")) and video["width"]:
        told.append(f"{video['width']}x{video['height']}")
    if frames:
        told.append(f"{len(frames)} frame{'' if len(frames) == 1 else 's'}")
    return told


def as_json(attachment: AttachmentView | None) -> dict[str, Any] | None:
    """A recording as `NAME.json` has it: its length and size stand first."""
    media = attachment and attachment.media
    if not media:
        return None
    video = media.get("video") or {}
    return {
        "duration_s": media.get("duration_s"),
        "width": video.get("width"),
        "height": video.get("height"),
        **media,
    }


def frames_as_json(
    frames: Sequence[FrameView], folder: str | None
) -> list[dict[str, Any]]:
    """The key frames, each with its file where there is one."""
    return [
        {
            "time_s": round(frame.time_s, 3),
            "file": None if folder is None else f"{folder}/{file_name(frame)}",
            "start_s": round(frame.start_s, 3),
            "end_s": round(frame.end_s, 3),
            "width": frame.width,
            "height": frame.height,
            "text": frame.text,
        }
        for frame in frames
    ]


def file_name(frame: FrameView) -> str:
    """What a frame's file is called: "0001.jpg"."""
    return f"{frame.number:04}.jpg"


def write_frames(
    client: Client,
    attachment: AttachmentView,
    frames: Sequence[FrameView],
    folder: Path,
) -> None:
    """Write the key frames to a folder; those of an earlier run go."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {file_name(frame) for frame in frames}
    for old in folder.glob("[0-9][0-9][0-9][0-9].jpg"):
        if old.name not in names:
            old.unlink()
    for frame in frames:
        client.download_frame(attachment.id, frame.number, folder / file_name(frame))
