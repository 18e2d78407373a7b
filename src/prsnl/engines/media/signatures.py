"""Kinds of audio and video, told by their first bytes alone.

Only what is listed here is ever opened, each by the one demuxer that its row names. No
row names a playlist (HLS, DASH, SDP, concat, image sequences): such a file would have
other files read. Nothing here parses more than a few headers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

#: So many first bytes settle every kind but sound behind a large tag.
HEAD_BYTES: Final = 64 * 1024


@dataclass(frozen=True)
class MediaKind:
    """One kind of recording.

    Attributes:
        kind: Our word for it: "mp4", "wav" ...
        demuxer: What opens it; nothing else is tried.
        has_video: It usually shows something. The tracks alone can tell.
    """

    kind: str
    demuxer: str
    mime_type: str
    description: str
    extensions: frozenset[str]
    has_video: bool = False


def _audio(
    kind: str, demuxer: str, mime: str, description: str, *more: str
) -> MediaKind:
    return MediaKind(
        kind, demuxer, f"audio/{mime}", description, frozenset({kind, *more})
    )


def _video(
    kind: str, demuxer: str, mime: str, description: str, *more: str
) -> MediaKind:
    return MediaKind(
        kind,
        demuxer,
        f"video/{mime}",
        description,
        frozenset({kind, *more}),
        has_video=True,
    )


_MP4: Final = _video("mp4", "mp4", "mp4", "MP4 video", "m4v", "f4v", "m4a", "mov")
_MOV: Final = _video("mov", "mov", "quicktime", "QuickTime video", "qt", "mp4")
_M4A: Final = _audio("m4a", "mp4", "mp4", "MPEG-4 audio", "m4b", "m4r", "mp4", "aac")
_3GP: Final = _video("3gp", "3gp", "3gpp", "3GP video", "3g2", "3gpp", "mp4")
_MKV: Final = _video("mkv", "matroska", "x-matroska", "Matroska video", "mka", "mk3d")
_WEBM: Final = _video("webm", "matroska", "webm", "WebM video", "weba")
_AVI: Final = _video("avi", "avi", "x-msvideo", "AVI video", "divx")
_FLV: Final = _video("flv", "flv", "x-flv", "Flash video", "f4v")
_TS: Final = _video(
    "ts", "mpegts", "mp2t", "MPEG transport stream", "mts", "m2ts", "m2t", "mpegts"
)
_MPEG: Final = _video("mpg", "mpeg", "mpeg", "MPEG video", "mpeg", "vob", "m2p")
_MPEG_VIDEO: Final = _video(
    "m2v", "mpegvideo", "mpeg", "MPEG video", "m1v", "mpv", "mpg", "mpeg"
)
_WMV: Final = _video("wmv", "asf", "x-ms-wmv", "Windows Media", "wma", "asf")
_OGV: Final = _video("ogv", "ogg", "ogg", "Ogg video", "ogg", "ogx")
_MXF: Final = _video("mxf", "mxf", "mxf", "MXF video")
_RM: Final = _video("rm", "rm", "vnd.rn-realvideo", "RealMedia", "rmvb", "ra", "ram")
_IVF: Final = _video("ivf", "ivf", "x-ivf", "IVF video")
_OGG: Final = _audio("ogg", "ogg", "ogg", "Ogg audio", "oga", "opus", "spx")
_OPUS: Final = _audio("opus", "ogg", "ogg", "Opus audio", "ogg", "oga")
_WAV: Final = _audio("wav", "wav", "wav", "WAV audio", "wave", "bwf", "rf64")
_W64: Final = _audio("w64", "w64", "x-w64", "Wave64 audio")
_MP3: Final = _audio("mp3", "mp3", "mpeg", "MP3 audio", "mp2", "mpga", "mp1")
_FLAC: Final = _audio("flac", "flac", "flac", "FLAC audio", "fla")
_AAC: Final = _audio("aac", "aac", "aac", "AAC audio", "adts")
_AIFF: Final = _audio("aiff", "aiff", "aiff", "AIFF audio", "aif", "aifc")
_AMR: Final = _audio("amr", "amr", "amr", "AMR audio", "awb")
_CAF: Final = _audio("caf", "caf", "x-caf", "Core Audio")
_AU: Final = _audio("au", "au", "basic", "AU audio", "snd")
_AC3: Final = _audio("ac3", "ac3", "ac3", "Dolby Digital audio", "eac3", "ec3")
_EAC3: Final = _audio("eac3", "eac3", "eac3", "Dolby Digital Plus audio", "ac3", "ec3")
_WV: Final = _audio("wv", "wv", "x-wavpack", "WavPack audio")
_APE: Final = _audio("ape", "ape", "x-ape", "Monkey's Audio")
_TTA: Final = _audio("tta", "tta", "x-tta", "True Audio")
_VOC: Final = _audio("voc", "voc", "x-voc", "Creative Voice audio")
_SPH: Final = _audio("sph", "nistsphere", "x-nist", "NIST SPHERE audio", "wav", "nist")

_ROWS: Final = (
    *(_MP4, _MOV, _M4A, _3GP, _MKV, _WEBM, _AVI, _FLV, _TS, _MPEG, _MPEG_VIDEO, _WMV),
    *(_OGV, _MXF, _RM, _IVF, _OGG, _OPUS, _WAV, _W64, _MP3, _FLAC, _AAC, _AIFF),
    *(_AMR, _CAF, _AU, _AC3, _EAC3, _WV, _APE, _TTA, _VOC, _SPH),
)
#: By their own word.
KINDS: Final = {row.kind: row for row in _ROWS}
#: The only demuxers that may be opened.
DEMUXERS: Final = frozenset(row.demuxer for row in _ROWS)

_SIGNATURES: Final = (
    (b"fLaC", _FLAC),
    (b"FLV\x01", _FLV),
    (b"caff\x00\x01", _CAF),
    (b".snd\x00", _AU),
    (b"#!AMR", _AMR),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", _WMV),
    (b"\x00\x00\x01\xba", _MPEG),
    (b"\x00\x00\x01\xb3", _MPEG_VIDEO),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02", _MXF),
    (b".RMF\x00\x00", _RM),
    (b"DKIF\x00\x00\x20\x00", _IVF),
    (b"wvpk", _WV),
    (b"MAC \x96\x0f", _APE),
    (b"MAC \x8c\x0f", _APE),
    (b"TTA1\x01\x00", _TTA),
    (b"Creative Voice File\x1a", _VOC),
    (b"NIST_1A\n", _SPH),
    (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", _W64),
)
#: The first box of a file without a brand: old QuickTime, and some recorders.
_BOXES: Final = frozenset({b"moov", b"mdat", b"wide", b"pnot"})
_FREE_BOXES: Final = frozenset({b"free", b"skip"})
_PICTURE_BRANDS: Final = frozenset(
    (
        *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"avif", b"avis"),
        *(b"mif1", b"msf1", b"heif", b"jp2 ", b"jpx ", b"jpm ", b"crx "),
    )
)
_AUDIO_BRANDS: Final = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
_TS_PACKETS: Final = ((0, 188), (4, 192), (0, 204))
_TS_CHECKED: Final = 5
_ID3_BYTES: Final = 10
#: A frame of sound must be followed by so many of its like.
_CHAINED: Final = 3
#: Rubbish before the first frame of sound, in bytes.
_LEADING_BYTES: Final = 4096
#: Kilobits a second, by the code in a frame of Dolby Digital.
_AC3_KBIT: Final = (
    *(32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448),
    *(512, 576, 640),
)
#: The same of MPEG audio, by layer: of MPEG 1, then of MPEG 2 and 2.5.
_KBIT_1: Final = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_KBIT_2: Final = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES: Final = (44100, 48000, 32000)


def media_kind(head: bytes) -> MediaKind | None:
    """What recording these first bytes begin; None if none.

    Sound behind a tag that is larger than `head` is taken for MP3: see `after_tag`.
    """
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    return (
        _riff(head)
        or _boxes(head)
        or _matroska(head)
        or _ogg(head)
        or _transport(head)
        or _tagged(head)
        or _frames(head)
    )


def after_tag(head: bytes) -> int:
    """Where the sound begins behind an ID3 tag, in bytes; 0 without one."""
    at = 0
    while head[at : at + 3] == b"ID3" and len(head) >= at + _ID3_BYTES:
        sizes = head[at + 6 : at + _ID3_BYTES]
        if any(byte & 0x80 for byte in sizes):
            break
        size = 0
        for byte in sizes:
            size = size << 7 | byte
        at += _ID3_BYTES + size + (_ID3_BYTES if head[at + 5] & 0x10 else 0)
    return at


def _riff(head: bytes) -> MediaKind | None:
    if head[:4] in {b"RIFF", b"RIFX", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return _WAV
    if head[:4] == b"RIFF" and head[8:12] in {b"AVI ", b"AVIX"}:
        return _AVI
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return _AIFF
    return None


def _boxes(head: bytes) -> MediaKind | None:
    """An ISO base media file by its brand; a picture is none of ours."""
    name = head[4:8]
    if name in _FREE_BOXES:
        size = int.from_bytes(head[:4], "big")
        return _boxes(head[size:]) if 8 <= size < len(head) - 8 else None  # noqa: PLR2004 - a box's header
    if name == b"ftyp":
        return _brand(head[8:12])
    return _MOV if name in _BOXES else None


def _brand(brand: bytes) -> MediaKind | None:
    if brand in _PICTURE_BRANDS:
        return None
    if brand in _AUDIO_BRANDS:
        return _M4A
    if brand[:2] == b"3g":
        return _3GP
    return _MOV if brand == b"qt  " else _MP4


def _matroska(head: bytes) -> MediaKind | None:
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    return _WEBM if b"webm" in head[:64] else _MKV


def _ogg(head: bytes) -> MediaKind | None:
    if not head.startswith(b"OggS\x00"):
        return None
    first = head[:512]
    if b"\x80theora" in first or b"fishead\0" in first or b"\x4fVP80" in first:
        return _OGV
    return _OPUS if b"OpusHead" in first else _OGG


def _transport(head: bytes) -> MediaKind | None:
    for start, size in _TS_PACKETS:
        marks = head[start : start + size * _TS_CHECKED : size]
        if len(marks) == _TS_CHECKED and set(marks) == {0x47}:
            return _TS
    return None


def _tagged(head: bytes) -> MediaKind | None:
    start = after_tag(head)
    if not start:
        return None
    sound = head[start:].lstrip(b"\0")
    if sound.startswith(b"fLaC"):
        return _FLAC
    return _frames(sound) or _MP3


def _frames(head: bytes) -> MediaKind | None:
    """Bare frames of sound: one proves nothing, a chain of them does."""
    at = 0
    limit = min(len(head), _LEADING_BYTES)
    while (at := _sync(head, at, limit)) >= 0:
        for kind, length in _readings(head, at):
            if _is_chain(head, at, kind, length):
                return kind
        at += 1
    return None


def _sync(head: bytes, start: int, limit: int) -> int:
    places = (head.find(b"\xff", start, limit), head.find(b"\x0b\x77", start, limit))
    return min((place for place in places if place >= 0), default=-1)


def _is_chain(head: bytes, at: int, kind: MediaKind, length: int) -> bool:
    for _ in range(_CHAINED):
        at += length
        following = next(
            (size for one, size in _readings(head, at) if one is kind), None
        )
        if following is None:
            return False
        length = following
    return True


def _readings(head: bytes, at: int) -> Iterator[tuple[MediaKind, int]]:
    """What frame may begin at a place, and how long it is, in bytes."""
    frame = head[at : at + 8]
    if len(frame) < 8:  # noqa: PLR2004 - a frame's header
        return
    if frame[0] == 0xFF and frame[1] & 0xF6 == 0xF0:  # noqa: PLR2004
        length = (frame[3] & 3) << 11 | frame[4] << 3 | frame[5] >> 5
        if length > 7 and frame[2] >> 2 & 15 < 13:  # noqa: PLR2004
            yield _AAC, length
    elif frame[0] == 0xFF and frame[1] & 0xE0 == 0xE0:  # noqa: PLR2004
        if length := _mpeg_audio_bytes(frame):
            yield _MP3, length
    elif frame[:2] == b"\x0b\x77":
        yield from _dolby(frame)


def _dolby(frame: bytes) -> Iterator[tuple[MediaKind, int]]:
    version = frame[5] >> 3
    if version > 10:  # noqa: PLR2004
        yield _EAC3, 2 * (((frame[2] & 7) << 8 | frame[3]) + 1)
        return
    rate, size = frame[4] >> 6, frame[4] & 0x3F
    if rate < 3 and size < 38:  # noqa: PLR2004
        kbit = _AC3_KBIT[size >> 1]
        words = (kbit * 2, kbit * 96000 // 44100 + (size & 1), kbit * 3)[rate]
        yield _AC3, 2 * words


def _mpeg_audio_bytes(frame: bytes) -> int:
    """The length of an MPEG audio frame (ISO 11172-3, 13818-3); 0 if it is none."""
    version, layer = frame[1] >> 3 & 3, 4 - (frame[1] >> 1 & 3)
    bit_rate, rate = frame[2] >> 4, frame[2] >> 2 & 3
    if version == 1 or layer == 4 or bit_rate in {0, 15} or rate == 3:  # noqa: PLR2004
        return 0
    is_first = version == 3  # noqa: PLR2004 - MPEG 1
    kbit = (_KBIT_1 if is_first else _KBIT_2)[layer][bit_rate - 1]
    hertz = _RATES[rate] // {3: 1, 2: 2, 0: 4}[version]
    padding = frame[2] >> 1 & 1
    if layer == 1:
        return (12_000 * kbit // hertz + padding) * 4
    samples = 72 if layer == 3 and not is_first else 144  # noqa: PLR2004
    return samples * 1000 * kbit // hertz + padding
