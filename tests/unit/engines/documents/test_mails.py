"""EML and MSG: head, body, what is enclosed, in every encoding."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines.documents import eml, msg
from prsnl.engines.documents.packed_rtf import unpacked
from tests.fakes.ole_files import msg_file, msg_text
from tests.unit.engines.documents.reading import markdown_of, read, text_of

#: 12 May 2025, 08:00 UTC, in tenths of a microsecond since 1601.
MAY_12 = 133_915_104_000_000_000
ATTACHMENT = "__attach_version1.0_#0000000"


def raw(*lines: str, body: str = "Body.", encoding: str = "utf-8") -> bytes:
    return "\r\n".join([*lines, "", body]).encode(encoding)


def test_a_mail_tells_its_head_body_and_what_is_enclosed(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Grüße & 😀"
    mail["From"] = "Ada Lovelace <ada@example.org>"
    mail["To"] = "bob@example.org"
    mail["Date"] = "Mon, 12 May 2025 10:00:00 +0200"
    mail.set_content("Dear Bob,\n\nplain words.\n")
    mail.add_alternative("<p>not these</p>", subtype="html")
    mail.add_attachment(
        b"%PDF-", maintype="application", subtype="pdf", filename="ä.pdf"
    )

    info, _ = read(tmp_path, "eml", mail.as_bytes())

    assert markdown_of(tmp_path, "eml", mail.as_bytes()) == (
        "# Grüße & 😀\n\n**From:** Ada Lovelace <ada@example.org>  \n"
        "**To:** bob@example.org  \n**Date:** 2025-05-12 10:00+02:00  \n\n"
        "Dear Bob,\n\nplain words.\n\n**Attachments:**\n\n- ä.pdf"
    )
    assert info.metadata["date"] == "2025-05-12T10:00:00+02:00"
    assert info.headings[0].text == "Grüße & 😀"


def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    mail = raw(
        "Subject: s",
        "Content-Type: text/html; charset=iso-8859-1",
        body="<h2>Head</h2><ul><li>one</ul>",
    )

    assert markdown_of(tmp_path, "eml", mail) == "# s\n\n## Head\n\n- one"


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        ("iso-8859-1", "cp1252"),
        ("koi8-r", "koi8-r"),
        ("shift_jis", "shift_jis"),
        ("no-such-thing", "utf-8"),
        ("utf-8", "cp1252"),
    ],
)
def test_a_body_is_decoded_as_its_head_says_where_that_is_true(
    tmp_path: Path, charset: str, encoding: str
) -> None:
    word = {"koi8-r": "Привет", "shift_jis": "あいう"}.get(encoding, "Grüße")
    head = f"Subject: s\r\nContent-Type: text/plain; charset={charset}\r\n\r\n"

    text = text_of(tmp_path, "eml", head.encode() + word.encode(encoding))

    assert text == f"s\n\n{word}"


@pytest.mark.parametrize("charset", ["zlib", "hex", '"u', "x" * 300])
def test_a_charset_that_is_none_is_passed_over(tmp_path: Path, charset: str) -> None:
    mail = raw(f"Content-Type: text/html; charset={charset}", body="<p>Grüße")

    assert text_of(tmp_path, "eml", mail) == "Grüße"


def test_lines_broken_for_the_way_are_joined(tmp_path: Path) -> None:
    mail = raw(
        "Subject: s",
        "Content-Type: text/plain; format=flowed",
        body="one \r\nparagraph\r\nanother",
    )

    assert text_of(tmp_path, "eml", mail) == "s\n\none paragraph\nanother"


@pytest.mark.parametrize(
    "subject",
    ["=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "=?iso-8859-1?b?R3L832U=?=", "Grüße"],
)
def test_a_head_in_any_encoding_is_read(tmp_path: Path, subject: str) -> None:
    assert text_of(tmp_path, "eml", raw(f"Subject: {subject}")) == "Grüße\n\nBody."


def test_what_is_enclosed_has_a_name_and_never_a_path(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail.set_content("x")
    for name in ("../../etc/passwd", "C:\\temp\\a.txt", "", "a" * 500 + ".txt"):
        mail.add_attachment(
            b"x" + name.encode(), maintype="a", subtype="b", filename=name
        )
    inner = EmailMessage()
    inner["Subject"] = "In it"
    inner.set_content("inner words")
    mail.add_attachment(inner)
    (tmp_path / "mail").write_bytes(mail.as_bytes())

    found = list(eml.members(tmp_path / "mail"))

    assert [one.name for one in found[:3]] == ["passwd", "a.txt", "attachment-3.b"]
    assert found[3].name.endswith(".txt")
    assert len(found[3].name) < 255
    assert found[4].name == "In it.eml"
    assert b"inner words" in found[4].content


@pytest.mark.parametrize("depth", [150, 3000])
def test_parts_without_end_are_refused(tmp_path: Path, depth: int) -> None:
    lines = ["Subject: s", 'Content-Type: multipart/mixed; boundary="0"', ""]
    for n in range(depth):
        lines += [f"--{n}", f'Content-Type: multipart/mixed; boundary="{n + 1}"', ""]

    with pytest.raises(TooLargeError, match="deeper"):
        read(tmp_path, "eml", "\r\n".join([*lines, f"--{depth}", "", "x"]).encode())


def test_a_mail_of_too_many_parts_is_refused(tmp_path: Path) -> None:
    parts = "--b\r\n\r\nx\r\n" * 3000
    mail = raw("Subject: s", "Content-Type: multipart/mixed; boundary=b", body=parts)

    with pytest.raises(TooLargeError, match="parts"):
        read(tmp_path, "eml", mail)


def test_an_encrypted_mail_says_so(tmp_path: Path) -> None:
    mail = raw("Subject: secret", "Content-Type: application/pkcs7-mime", body="MIIB")

    info, parts = read(tmp_path, "eml", mail)

    assert parts[0].text == "secret"
    assert info.warnings == ("The mail is encrypted: only its head can be read.",)


@pytest.mark.parametrize("data", [b"\r\n\r\n", b"\x00" * 100])
def test_what_is_no_mail_is_corrupt(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CorruptError):
        read(tmp_path, "eml", data)


def test_an_outlook_mail_is_read_with_all_that_is_in_it(tmp_path: Path) -> None:
    inner = {
        "__properties_version1.0": b"\0" * 24,
        **msg_text(0x0037, "Inner: Grüße"),
        **msg_text(0x1000, "inner body"),
    }
    data = msg_file(
        {
            **msg_text(0x0037, "Subject 😀"),
            **msg_text(0x0C1A, "Ada"),
            **msg_text(0x5D01, "ada@example.org"),
            **msg_text(0x0E04, "Bob"),
            **msg_text(0x1000, "One & two.\r\n\r\nThree."),
            f"{ATTACHMENT}0": {
                **msg_text(0x3707, "..\\a.txt"),
                "__substg1.0_37010102": b"hello",
            },
            f"{ATTACHMENT}1": {"__substg1.0_3701000D": inner},
        },
        sent_at=MAY_12,
    )

    assert text_of(tmp_path, "msg", data) == (
        "Subject 😀\n\nFrom: Ada <ada@example.org>\nTo: Bob\n"
        "Date: 2025-05-12 08:00+00:00\n\nOne & two.\n\nThree.\n\n"
        "Attachments:\na.txt\nInner: Grüße.eml"
    )
    found = list(msg.members(tmp_path / "blob"))
    assert found[0].content == b"hello"
    assert text_of(tmp_path, "eml", found[1].content) == "Inner: Grüße\n\ninner body"


def test_an_outlook_body_in_html_or_rtf_is_read(tmp_path: Path) -> None:
    html = {"__substg1.0_10130102": b"<p>From <b>HTML</b></p>"}
    rtf = b"{\\rtf1 From RTF}"
    packed = (len(rtf) + 12).to_bytes(4, "little") + len(rtf).to_bytes(4, "little")
    plain = {"__substg1.0_10090102": packed + b"MELA" + bytes(4) + rtf}

    for body, said in ((html, "From HTML"), (plain, "From RTF")):
        data = msg_file({**msg_text(0x37, "s"), **body})
        assert text_of(tmp_path, "msg", data) == f"s\n\n{said}"


def test_packed_rtf_is_unpacked_as_its_description_shows() -> None:
    """The example of [MS-OXRTFCP], section 3.1."""
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a00726370673132354232"
        "0af32068656c09 002062 77 05b06c647d0a800fa0".replace(" ", "")
    )

    assert unpacked(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"


@pytest.mark.parametrize("cut", [100, 600, 1500])
def test_an_outlook_mail_that_is_cut_off_is_corrupt(tmp_path: Path, cut: int) -> None:
    data = msg_file({**msg_text(0x37, "s"), **msg_text(0x1000, "words " * 2000)})

    with pytest.raises(CorruptError):
        read(tmp_path, "msg", data[:cut])
