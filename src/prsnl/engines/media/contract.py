"""What the engines of audio and video take and give: shapes and units, said once.

Times are seconds from the recording's own beginning, which its player shows as 0:00.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field

from prsnl.engines.contracts import Value
from prsnl.engines.media.limits import DURATION_MAX_S, SHOTS_MAX

#: What `likeness` tells of one picture.
_LIKENESS_CHARACTERS: Final = 4_000
#: What speech engines take: one channel of so many samples a second, 16 bits each.
SPEECH_RATE: Final = 16_000


class VideoTrack(Value):
    """The track that is shown."""

    #: As FFmpeg names it: "h264", "vp9".
    codec: str
    #: As it is shown: a picture that the file says to turn is turned.
    width: int = Field(ge=0)
    height: int = Field(ge=0)
    #: How far it is turned clockwise to be upright.
    rotation_degrees: int = 0
    #: Pictures a second on average; None where nothing tells.
    frame_rate: float | None = None
    #: As the file says: "eng", "de"; None where it is silent.
    language: str | None = None


class AudioTrack(Value):
    """One track of sound."""

    #: Its place among the tracks of sound, from 0.
    number: int = Field(ge=0)
    codec: str
    #: Samples a second.
    rate: int
    channels: int
    language: str | None = None
    title: str | None = None
    #: Heard when nobody chooses.
    is_default: bool = False


class Chapter(Value):
    """A part of a recording."""

    start_s: float
    end_s: float
    title: str | None = None


class MediaInfo(Value):
    """What a recording says of itself."""

    #: As `signatures.KINDS` has it: "mp4", "wav".
    kind: str
    mime_type: str
    #: None where neither header nor packets tell.
    duration_s: float | None = Field(ge=0, le=DURATION_MAX_S)
    #: "header", or "packets" where the header is silent or only guesses.
    duration_from: str
    video: VideoTrack | None = None
    audio: tuple[AudioTrack, ...] = ()
    #: Languages of subtitles in the file; "und" where unknown.
    subtitles: tuple[str, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    #: With plain keys: title, artist, album, date, genre, comment, encoder ...
    tags: dict[str, str] = Field(default_factory=dict)
    has_cover: bool = False
    #: In whole sentences.
    warnings: tuple[str, ...] = ()


class AudioPiece(Value):
    """Some of a track's sound, in a file of the child's outputs.

    A WAV of `SPEECH_RATE` samples a second, one channel, 16 bits.
    """

    file_name: str
    start_s: float
    end_s: float
    samples: int


class Heard(Value):
    """How much of the wanted sound there was: the last frame of `media.audio`."""

    #: Up to where sound could be decoded.
    decoded_to_s: float
    #: Packets that were damaged; silence stands for them.
    bad_packets: int = 0
    #: Silence that stands for missing packets, in seconds.
    silence_s: float = 0.0
    #: The file ended, or broke off, before the wanted end.
    ended: bool = False


class Shot(Value):
    """A part of a video between two cuts, and the best picture of it."""

    start_s: float
    end_s: float
    #: It begins with a cut; else with what was looked at.
    is_cut: bool
    #: Where its picture stands.
    time_s: float
    #: A JPEG in the child's outputs.
    file_name: str
    width: int
    height: int
    #: More is sharper; comparable within one video alone.
    sharpness: float
    #: Nothing is on it: black, white or grey all over.
    is_blank: bool
    #: What its picture looks like from afar: see `likeness`; base64.
    likeness: str = Field(max_length=_LIKENESS_CHARACTERS)


class SpanShots(Value):
    """What of a video was seen in one span of it."""

    #: The place of the span among those that were asked for.
    number: int = Field(ge=0)
    shots: tuple[Shot, ...] = Field((), max_length=SHOTS_MAX)
    #: How many pictures were decoded.
    pictures: int = 0
    bad_packets: int = 0
    #: Up to where there were pictures.
    seen_to_s: float = 0.0
    #: In whole sentences.
    warnings: tuple[str, ...] = ()


class ChosenShots(Value):
    """The places of the pictures that are worth showing, in the order of time."""

    places: tuple[int, ...] = ()
    #: What was left out, counted.
    blank: int = 0
    alike: int = 0
    #: More than were wanted.
    beyond: int = 0
