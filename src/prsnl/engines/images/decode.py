"""Pictures by Pillow, within limits: the only module that decodes them."""

from __future__ import annotations

import struct
import warnings as python_warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from PIL import ExifTags, Image, ImageOps, ImageSequence, UnidentifiedImageError

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines.contracts import ChildFiles, JsonObject, OcrRegion
from prsnl.engines.images import limits

#: Kind -> the only decoders that its bytes are shown to.
_DECODERS: Final = {
    "png": ("PNG",),
    "jpeg": ("JPEG", "MPO"),
    "tiff": ("TIFF",),
    "webp": ("WEBP",),
    "gif": ("GIF",),
    "bmp": ("BMP",),
    "heic": ("HEIF",),
    "avif": ("AVIF",),
}
#: What a damaged picture makes the decoders raise, each in its own way.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    RuntimeError,
)
_SAYS_WHERE: Final = (
    "The picture says where it was taken: that is kept in its metadata, and nothing "
    "else here shows it."
)
_JPEG_QUALITY: Final = 80
_THUMBNAIL_ASPECT_MAX: Final = 4
_WIDE_MODES: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
_ALPHA_MODES: Final = frozenset({"RGBA", "LA", "PA", "La", "RGBa"})


@dataclass(frozen=True)
class PictureSource:
    """An open picture, shown page by page in grey."""

    picture: Image.Image
    pixels_max: int

    def page(self, number: int) -> Image.Image:
        """One page, reduced to the limit of pixels.

        Raises:
            CorruptError: It cannot be decoded.
            TooLargeError: It has more pixels than are looked at.
        """
        with _translated(f"Page {number} of the picture"):
            self.picture.seek(number - 1)
            _refuse_large(self.picture)
            self._draft()
            small = _reduced(self.picture, self.pixels_max)
            return _within(_grey(small), self.pixels_max)

    def region(self, number: int, region: OcrRegion) -> Image.Image:
        """A picture has no text layer: the whole page."""
        del region
        return self.page(number)

    def _draft(self) -> None:
        """Have a JPEG decoded smaller, where it is much larger than the limit."""
        width, height = self.picture.size
        shrink = (width * height / self.pixels_max) ** 0.5
        if shrink > 1:
            wanted = (int(width / shrink), int(height / shrink))
            self.picture.draft("L", wanted)


@contextmanager
def source(files: ChildFiles, params: JsonObject) -> Iterator[PictureSource]:
    """Open the picture that `params` names."""
    with opened(files.inputs / params["path"], str(params["kind"])) as picture:
        yield PictureSource(picture, int(params["pixels_max"]))


@contextmanager
def opened(path: Path, kind: str) -> Iterator[Image.Image]:
    """A picture whose header has been read.

    Raises:
        CorruptError: It cannot be decoded.
        TooLargeError: It has more pixels than are looked at.
    """
    Image.MAX_IMAGE_PIXELS = limits.PIXELS_MAX
    if kind == "heic":
        _register_heif()
    with _translated("The picture"):
        picture = Image.open(path, formats=_DECODERS[kind])
    with picture, _translated("The picture"):
        _refuse_large(picture)
        yield picture


def page_count(picture: Image.Image) -> int:
    """How many pages it has: frames of a TIFF; an animation shows its first.

    Raises:
        TooLargeError: More than are looked at.
    """
    if picture.format != "TIFF":
        return 1
    count = 0
    for _ in ImageSequence.Iterator(picture):
        count += 1
        if count > limits.PAGES_MAX:
            raise TooLargeError(
                f"The TIFF has more than {limits.PAGES_MAX} pages: divide it, and "
                "process its parts."
            )
    picture.seek(0)
    return count


def metadata(picture: Image.Image) -> dict[str, str]:
    """Its size, and what the camera says: when, with what, where."""
    exif = _exif(picture)
    within = exif.get_ifd(ExifTags.IFD.Exif)
    camera = " ".join(
        dict.fromkeys(
            word
            for tag in (ExifTags.Base.Make, ExifTags.Base.Model)
            for word in _plain(exif.get(tag)).split()
        )
    )
    told = {
        "width": str(picture.width),
        "height": str(picture.height),
        "created_at": _moment(
            within.get(ExifTags.Base.DateTimeOriginal)
            or exif.get(ExifTags.Base.DateTime)
        ),
        "camera": camera,
        "creator": _plain(exif.get(ExifTags.Base.Software)),
        "author": _plain(exif.get(ExifTags.Base.Artist)),
        "subject": _plain(exif.get(ExifTags.Base.ImageDescription)),
        "location": _location(exif.get_ifd(ExifTags.IFD.GPSInfo)),
    }
    return {name: value for name, value in told.items() if value}


def warnings(picture: Image.Image) -> tuple[str, ...]:
    """What its owner should know of it, in whole sentences."""
    has_place = _location(_exif(picture).get_ifd(ExifTags.IFD.GPSInfo))
    return (_SAYS_WHERE,) if has_place else ()


def thumbnail(
    picture: Image.Image, target: Path, *, width: int, number: int = 1
) -> tuple[int, int]:
    """Write a page as a small JPEG; returns its width and height."""
    with _translated("The picture"):
        picture.seek(number - 1)
        _refuse_large(picture)
        most = (width, width * _THUMBNAIL_ASPECT_MAX)
        picture.draft("RGB", most)
        shown = _on_white(_reduced(picture, 4 * most[0] * most[1]))
        shown.thumbnail(most)
        shown.save(target, "JPEG", quality=_JPEG_QUALITY)
    return shown.width, shown.height


def _register_heif() -> None:
    from pi_heif import register_heif_opener  # noqa: PLC0415 - loads libheif

    register_heif_opener(thumbnails=False)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    try:
        with python_warnings.catch_warnings():
            python_warnings.simplefilter("ignore")
            yield
    except Image.DecompressionBombError as error:
        raise _too_large() from error
    except UnidentifiedImageError as error:
        raise CorruptError(f"{what} is damaged: its header cannot be read.") from error
    except _DAMAGE as error:
        raise CorruptError(f"{what} is damaged and cannot be decoded.") from error


def _refuse_large(picture: Image.Image) -> None:
    if picture.width * picture.height > limits.PIXELS_MAX:
        raise _too_large()


def _too_large() -> TooLargeError:
    return TooLargeError(
        f"The picture has more than {limits.PIXELS_MAX // 10**6} megapixels: save it "
        "smaller, and upload that."
    )


def _reduced(picture: Image.Image, pixels: int) -> Image.Image:
    """The picture upright, and not much larger than asked: each step costs a copy."""
    orientation = _exif(picture).get(ExifTags.Base.Orientation)
    shrink = int((picture.width * picture.height / pixels) ** 0.5)
    if shrink > 1 and picture.mode in {"L", "RGB", "RGBA", "CMYK"}:
        picture = picture.reduce(shrink)
        picture.getexif()[ExifTags.Base.Orientation] = orientation or 1
    return ImageOps.exif_transpose(picture)


def _grey(picture: Image.Image) -> Image.Image:
    if picture.mode == "L":
        return picture
    if picture.mode == "1":
        return picture.convert("L")
    return _on_white(picture).convert("L")


def _on_white(picture: Image.Image) -> Image.Image:
    """The picture in "L" or "RGB": what is transparent stands on white."""
    if picture.mode in _WIDE_MODES:
        return _narrowed(picture)
    if picture.mode == "P" and "transparency" in picture.info:
        picture = picture.convert("RGBA")
    if picture.mode in _ALPHA_MODES:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return picture if picture.mode in {"L", "RGB"} else picture.convert("RGB")


def _narrowed(picture: Image.Image) -> Image.Image:
    """Sixteen or more bits a pixel as eight, over the range that is used."""
    wide = picture.convert("F")
    low, high = wide.getextrema()
    assert isinstance(low, float)
    assert isinstance(high, float)
    scale = 255 / (high - low) if high > low else 0.0
    return wide.point(lambda value: value * scale + (-low * scale)).convert("L")


def _within(picture: Image.Image, pixels_max: int) -> Image.Image:
    shrink = (picture.width * picture.height / pixels_max) ** 0.5
    if shrink <= 1:
        return picture.copy()
    size = (int(picture.width / shrink), int(picture.height / shrink))
    return picture.resize(size, Image.Resampling.BOX)


def _exif(picture: Image.Image) -> Image.Exif:
    try:
        return picture.getexif()
    except _DAMAGE:
        return Image.Exif()


def _plain(value: Any) -> str:
    if not isinstance(value, str):
        return ""
    plain = "".join(sign if sign.isprintable() else " " for sign in value)
    return " ".join(plain.split())[: limits.VALUE_CHARACTERS]


def _moment(value: Any) -> str:
    try:
        return datetime.strptime(_plain(value), "%Y:%m:%d %H:%M:%S").isoformat()  # noqa: DTZ007 - a camera names no zone
    except ValueError:
        return ""


def _location(gps: dict[int, Any]) -> str:
    """Latitude and longitude in degrees: "53.5511, 9.9937"."""
    try:
        latitude = _degrees(gps[ExifTags.GPS.GPSLatitude])
        longitude = _degrees(gps[ExifTags.GPS.GPSLongitude])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return ""
    south = str(gps.get(ExifTags.GPS.GPSLatitudeRef, "N")).upper().startswith("S")
    west = str(gps.get(ExifTags.GPS.GPSLongitudeRef, "E")).upper().startswith("W")
    latitude = -latitude if south else latitude
    longitude = -longitude if west else longitude
    return f"{latitude:.5f}, {longitude:.5f}"


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
