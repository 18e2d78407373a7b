"""Files in mails and archives: handed on by label, within limits, each once."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.contracts import Member
from prsnl.engines.documents.members import members
from tests.fakes.child_files import FolderFiles
from tests.fakes.office_files import zip_file
from tests.unit.engines.documents.reading import markdown_of, read

WORDS = b"Words that are long enough to be told as a text.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose `out` alone may change."""
    (tmp_path / "out").mkdir()
    yield tmp_path
    assert {path.name for path in tmp_path.iterdir()} == {"out", "blob"}


def found(folder: Path, data: bytes, kind: str = "zip") -> list[Member]:
    (folder / "blob").write_bytes(data)
    frames = members(
        FolderFiles(folder, folder / "out"), {"path": "blob", "kind": kind}
    )
    return [Member.model_validate(frame) for frame in frames]


def test_each_file_is_handed_on_under_its_label(folder: Path) -> None:
    one, two = found(folder, zip_file({"a/ä.txt": WORDS, "b.md": b"# b"}))

    assert (one.name, two.name) == ("a/ä.txt", "b.md")
    assert one.output is not None
    assert (folder / "out" / one.output).read_bytes() == WORDS


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/cron.d/x", "etc/cron.d/x"),
        ("..\\..\\a.txt", "a.txt"),
        ("a/../../b.txt", "a/b.txt"),
        ("line\nbreak.txt", "line break.txt"),
    ],
)
def test_a_name_is_never_a_path(folder: Path, name: str, label: str) -> None:
    (one,) = found(folder, zip_file({name: WORDS}))

    assert one.name.replace("\n", " ") == label
    assert [path.name for path in (folder / "out").iterdir()] == [one.output]


def test_the_same_file_twice_is_handed_on_once(folder: Path) -> None:
    assert len(found(folder, zip_file({"a.txt": WORDS, "b.txt": WORDS}))) == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_two(folder: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", WORDS)
        archive.writestr("a.txt", WORDS * 2)

    assert len(found(folder, buffer.getvalue())) == 2


def test_what_is_not_read_is_named(folder: Path) -> None:
    (one,) = found(folder, zip_file({"a.gz": b"\x1f\x8b\x08" + bytes(30)}))

    assert one.problem == ("Files of this kind (gzip compressed data) are not read.")
    assert one.output is None


def test_an_archive_in_a_mail_is_opened(folder: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "s"
    mail.set_content("x")
    mail.add_attachment(
        zip_file({"in.txt": WORDS}),
        maintype="application",
        subtype="zip",
        filename="z.zip",
    )

    names = [one.name for one in found(folder, mail.as_bytes(), "eml")]

    assert names == ["z.zip", "z.zip/in.txt"]


def test_what_lies_too_deep_is_named(folder: Path) -> None:
    data = zip_file({"deepest.txt": WORDS})
    for depth in range(limits.MEMBER_DEPTH + 2):
        data = zip_file({f"{depth}.zip": data})

    told = found(folder, data)

    assert told[-1].problem is not None
    assert "levels deep" in told[-1].problem
    assert not any("deepest" in one.name for one in told)


def test_an_archive_that_repeats_its_files_ends(folder: Path) -> None:
    """So does a quine, which holds itself: what was seen is not opened again."""
    data = zip_file({"a.txt": WORDS, "self.zip": zip_file({"a.txt": WORDS})})

    names = [one.name for one in found(folder, data)]

    assert names == ["a.txt", "self.zip"]


def test_a_decompression_bomb_is_named_and_leaves_no_bytes(folder: Path) -> None:
    (one, two) = found(
        folder, zip_file({"bomb.txt": bytes(64 * limits.MIB), "b.txt": WORDS})
    )

    assert one.problem is not None
    assert "bomb" in one.problem
    assert two.output is not None
    assert [path.name for path in (folder / "out").iterdir()] == [two.output]


def test_a_wrong_checksum_costs_that_file_only(folder: Path) -> None:
    data = bytearray(zip_file({"a.txt": WORDS, "b.txt": WORDS * 2}, stored=["a.txt"]))
    data[data.index(WORDS)] ^= 1

    one, two = found(folder, bytes(data))

    assert one.problem == "it is damaged within the archive"
    assert two.problem is None


def test_a_file_under_a_password_is_named(folder: Path) -> None:
    data = bytearray(zip_file({"a.txt": WORDS}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + at] |= 1

    assert found(folder, bytes(data))[0].problem == "it is protected by a password"


def test_more_files_than_the_limit_are_told(folder: Path) -> None:
    data = zip_file({f"{n}.txt": WORDS + b"%d" % n for n in range(limits.MEMBERS + 5)})

    told = found(folder, data)

    assert len(told) == limits.MEMBERS + 1
    assert told[-1].problem == f"only the first {limits.MEMBERS} files are taken in"


def test_a_table_of_contents_of_a_million_files_is_refused(tmp_path: Path) -> None:
    entry = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[0] * 9, 1, *[0] * 6) + b"a"
    directory = entry * 400_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9, 9, len(directory), 0, 0)

    with pytest.raises(TooLargeError, match="table of contents"):
        read(tmp_path, "zip", directory + end)


def test_a_zip64_that_lies_of_its_size_is_corrupt(tmp_path: Path) -> None:
    record = struct.pack(
        "<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 9, 9, 2**40, 2**50
    )
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, 0, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9, 9, 2**32 - 1, 2**32 - 1, 0)

    with pytest.raises(CorruptError):
        read(tmp_path, "zip", record + locator + end)


def test_a_size_that_lies_is_not_believed(folder: Path) -> None:
    """The member says ten bytes, and unpacks to a megabyte."""
    packed = zlib.compressobj(9, zlib.DEFLATED, -15)
    body = packed.compress(bytes(limits.MIB)) + packed.flush()
    data = bytearray(zip_file({"a.txt": bytes(limits.MIB)}))
    assert body[:20] in data
    for mark, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(mark) + at, 10)

    assert found(folder, bytes(data))[0].problem == "it is damaged within the archive"


def test_the_archive_itself_is_a_list_of_its_files(tmp_path: Path) -> None:
    markdown = markdown_of(tmp_path, "zip", zip_file({"a|b.txt": WORDS}))

    assert markdown.startswith("| File | Bytes | Changed |\n| --- | --- | --- |\n")
    assert f"| a\\|b.txt | {len(WORDS)} |" in markdown


def test_gzip_is_named_and_not_opened(folder: Path) -> None:
    (one,) = found(folder, zip_file({"a.gz": gzip.compress(WORDS)}))

    assert one.problem is not None
    assert "gzip" in one.problem
