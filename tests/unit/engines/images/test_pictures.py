"""Pictures of every kind: told by their bytes, decoded within limits."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from prsnl.core.errors import CorruptError, PrsnlError, TooLargeError
from prsnl.engines import documents, images
from prsnl.engines.contracts import DocumentInfo, FileType, PageText, Picture
from prsnl.engines.documents.identify import identify
from prsnl.engines.images import decode, limits
from tests.fakes.child_files import FolderFiles
from tests.fakes.heic_file import HEIC
from tests.fakes.pictures import encoded, pages, picture

SMALL = picture(["Text"], size=(200, 100), letters=44, at=(10, 20))
#: Kind -> the same picture in that kind.
FILES = {
    "png": encoded(SMALL, "PNG"),
    "jpeg": encoded(SMALL, "JPEG"),
    "tiff": encoded(SMALL, "TIFF"),
    "webp": encoded(SMALL, "WEBP"),
    "gif": encoded(SMALL, "GIF"),
    "bmp": encoded(SMALL, "BMP"),
    "heic": HEIC,
    "avif": encoded(SMALL.convert("RGB"), "AVIF"),
}


def stored(folder: Path, content: bytes, name: str = "picture") -> FolderFiles:
    (folder / name).write_bytes(content)
    return FolderFiles(folder, folder)


def read(files: FolderFiles, kind: str) -> tuple[DocumentInfo, list[PageText]]:
    info, *rest = documents.read(files, {"path": "picture", "kind": kind})
    return DocumentInfo.model_validate(info), [
        PageText.model_validate(page) for page in rest
    ]


def shown(files: FolderFiles, kind: str, number: int = 1) -> Image.Image:
    params = {"path": "picture", "kind": kind, "pixels_max": 1_000_000}
    with decode.source(files, params) as source:
        return source.page(number)


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_is_told_read_and_drawn(kind: str, tmp_path: Path) -> None:
    files = stored(tmp_path, FILES[kind])

    (told,) = identify(files, {"path": "picture", "file_name": f"a.{kind}"})
    info, (page,) = read(files, kind)
    (drawn,) = documents.thumbnail(files, {"path": "picture", "kind": kind})

    assert FileType.model_validate(told).kind == kind
    assert not FileType.model_validate(told).name_lies
    assert info.metadata["width"] == "200"
    assert page.need is not None
    assert Picture.model_validate(drawn).width == 200
    grey = shown(files, kind)
    assert (grey.mode, grey.size) == ("L", (200, 100))
    assert min(grey.tobytes()) < 60
    assert max(grey.tobytes()) > 200


def test_every_kind_has_a_reader_and_a_painter() -> None:
    for kind in images.KINDS:
        assert kind in documents.READERS
        assert kind in documents.PAINTERS


@pytest.mark.parametrize(
    "drawn",
    [
        SMALL.convert("1"),
        SMALL.convert("P"),
        SMALL.convert("CMYK"),
        SMALL.convert("I;16").point(lambda value: value * 200),
    ],
    ids=["bits", "palette", "print", "deep"],
)
def test_every_depth_of_colour_becomes_grey(drawn: Image.Image, tmp_path: Path) -> None:
    grey = shown(stored(tmp_path, encoded(drawn, "TIFF")), "tiff")

    assert grey.mode == "L"
    assert min(grey.tobytes()) < 60
    assert max(grey.tobytes()) > 200


def test_what_is_transparent_stands_on_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (100, 100), (0, 0, 0, 0))

    assert set(shown(stored(tmp_path, encoded(clear)), "png").tobytes()) == {255}


def test_a_camera_s_orientation_is_honoured(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise

    grey = shown(stored(tmp_path, encoded(SMALL, "JPEG", exif=exif)), "jpeg")

    assert grey.size == (100, 200)


def test_a_large_picture_is_turned_too(tmp_path: Path) -> None:
    """It is reduced before it is turned: a turn is a copy."""
    exif = Image.Exif()
    exif[0x0112] = 6
    large = encoded(SMALL.resize((4000, 2000)), "PNG", exif=exif)

    grey = shown(stored(tmp_path, large), "png")

    assert grey.height == pytest.approx(2 * grey.width, abs=4)


def test_a_tiff_shows_each_page(tmp_path: Path) -> None:
    files = stored(tmp_path, pages(SMALL, SMALL.resize((300, 50)), SMALL))

    info, read_pages = read(files, "tiff")

    assert info.page_count == 3
    assert [page.number for page in read_pages] == [1, 2, 3]
    assert shown(files, "tiff", 2).size == (300, 50)


def test_an_animation_shows_its_first_frame(tmp_path: Path) -> None:
    moving = encoded(SMALL, "GIF", save_all=True, append_images=[SMALL, SMALL])

    info, _ = read(stored(tmp_path, moving), "gif")

    assert info.page_count == 1


def test_what_the_camera_says_is_kept_and_the_place_is_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Kettle", "Kettle K1"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:12 10:30:00"
    exif.get_ifd(0x8825).update(
        {1: "N", 2: (53.0, 33.0, 0.0), 3: "W", 4: (9.0, 30.0, 0.0)}
    )

    info, _ = read(stored(tmp_path, encoded(SMALL, "JPEG", exif=exif)), "jpeg")

    assert info.metadata["camera"] == "Kettle K1"
    assert info.metadata["created_at"] == "2024-05-12T10:30:00"
    assert info.metadata["location"] == "53.55000, -9.50000"
    assert "where it was taken" in info.warnings[0]


def test_a_picture_larger_than_the_limit_is_reduced(tmp_path: Path) -> None:
    grey = shown(stored(tmp_path, encoded(SMALL.resize((2000, 1000)))), "png")

    assert grey.width * grey.height <= 1_000_000


def bomb(side: int) -> bytes:
    """A PNG of many pixels in few bytes."""

    def part(name: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", header)
        + part(b"IDAT", zlib.compress(bytes(10_000)))
        + part(b"IEND", b"")
    )


def test_a_pixel_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(TooLargeError, match=f"{limits.PIXELS_MAX // 10**6} megapixels"):
        read(stored(tmp_path, bomb(60_000)), "png")


@pytest.mark.parametrize("kind", FILES)
def test_a_picture_cut_off_is_corrupt_or_shown_as_far_as_it_goes(
    kind: str, tmp_path: Path
) -> None:
    content = FILES[kind]
    for part in (8, 20, len(content) // 2):
        files = stored(tmp_path, content[:part])
        try:
            read(files, kind)
            shown(files, kind)
        except PrsnlError as error:
            assert isinstance(error, CorruptError)  # noqa: PT017 - either will do


def test_rubbish_behind_a_signature_is_corrupt(tmp_path: Path) -> None:
    for kind, content in FILES.items():
        with pytest.raises(CorruptError):
            read(stored(tmp_path, content[:8] + b"\xff\x00" * 500), kind)


def test_a_tiff_whose_pages_run_in_a_circle_ends(tmp_path: Path) -> None:
    content = bytearray(pages(SMALL, SMALL))
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, first)

    info, _ = read(stored(tmp_path, bytes(content)), "tiff")

    assert info.page_count == 1
