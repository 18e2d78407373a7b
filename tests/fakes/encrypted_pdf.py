"""PDFs of one page, `Secret text`, that open with a password."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from tests.fakes.pdf_files import PdfWriter

_TEXT: Final = """
JVBERi0xLjMKJZOMi54gUmVwb3J0TGFiIEdlbmVyYXRlZCBQREYgZG9jdW1lbnQgKG9wZW5zb3VyY2Up
CjEgMCBvYmoKPDwKL0YxIDIgMCBSCj4+CmVuZG9iagoyIDAgb2JqCjw8Ci9CYXNlRm9udCAvSGVsdmV0
aWNhIC9FbmNvZGluZyAvV2luQW5zaUVuY29kaW5nIC9OYW1lIC9GMSAvU3VidHlwZSAvVHlwZTEgL1R5
cGUgL0ZvbnQKPj4KZW5kb2JqCjMgMCBvYmoKPDwKL0NvbnRlbnRzIDggMCBSIC9NZWRpYUJveCBbIDAg
MCA1OTUuMjc1NiA4NDEuODg5OCBdIC9QYXJlbnQgNyAwIFIgL1Jlc291cmNlcyA8PAovRm9udCAxIDAg
UiAvUHJvY1NldCBbIC9QREYgL1RleHQgL0ltYWdlQiAvSW1hZ2VDIC9JbWFnZUkgXQo+PiAvUm90YXRl
IDAgL1RyYW5zIDw8Cgo+PiAKICAvVHlwZSAvUGFnZQo+PgplbmRvYmoKNCAwIG9iago8PAovUGFnZU1v
ZGUgL1VzZU5vbmUgL1BhZ2VzIDcgMCBSIC9UeXBlIC9DYXRhbG9nCj4+CmVuZG9iago1IDAgb2JqCjw8
Ci9BdXRob3IgKFwzNTVcMDI3XDM2NVwyNTBcMzUzXFxcMzcwXDAxMlwwMTUpIC9DcmVhdGlvbkRhdGUg
KFwzMTBDXDI1MFwzNjZcMjQwXDAwN1wyNDZOTFwzNTRcMzA2MVwyMDQvXDAwMlwyNzdcMzcxcFwyNTZc
MjI2XDM3MVwzNjRpKSAvQ3JlYXRvciAoXDM1NVwwMjdcMzY1XDI1MFwzNTNcXFwzNzBcMDEyXDAxNSkg
L0tleXdvcmRzICgpIC9Nb2REYXRlIChcMzEwQ1wyNTBcMzY2XDI0MFwwMDdcMjQ2TkxcMzU0XDMwNjFc
MjA0L1wwMDJcMjc3XDM3MXBcMjU2XDIyNlwzNzFcMzY0aSkgL1Byb2R1Y2VyIChcMzM2XDAzNFwzNTJc
MjUxXDM0MEVcMzMzXDAzNlwwMzRcMzc3XDI0NEdcMzY2Nn5cMzQwXDI2MDJcMzc3XDMwM1wyNjBcMzQ0
Y1wzNzZcMjA1YFwzNjFcMzUzXDIyNiVeXDMxNFwyNDBcMDE3bj8pIAogIC9TdWJqZWN0IChcMzcxXDAy
N1wzNTFcMjY2XDM2N1JcMzc2XDAzMVwwMjdcMjcyXDIyMCkgL1RpdGxlIChcMzcxXDAyN1wzNTZcMjU3
XDM0Nl1cMzYyXDAzMykgL1RyYXBwZWQgL0ZhbHNlCj4+CmVuZG9iago2IDAgb2JqCjw8Ci9GaWx0ZXIg
L1N0YW5kYXJkIC9PIDw5NEU4MDk0NDE5NjYyQTc3NDQ0MkZCMDcyRTNEOUYxOUU5RDEzMEVDMDlBNEQw
MDYxRTc4RkU5MjBGN0FCNjJGPiAvUCAtNCAvUiAyIC9VIDw5MzMzNjE2RkQwNjhEQzFENTJBMDdBRDFD
MkI4MDM3RUU5QjA0M0E1RjExMjYzNzYxNTQyRjA3RTM0RDg1QkY0PiAvViAxCj4+CmVuZG9iago3IDAg
b2JqCjw8Ci9Db3VudCAxIC9LaWRzIFsgMyAwIFIgXSAvVHlwZSAvUGFnZXMKPj4KZW5kb2JqCjggMCBv
YmoKPDwKL0ZpbHRlciBbIC9BU0NJSTg1RGVjb2RlIC9GbGF0ZURlY29kZSBdIC9MZW5ndGggMTA0Cj4+
CnN0cmVhbQpxJkleW5Z6QDQUz2kGt99KXjdqVauDBAE6krNNRBZcVSIfDnnc9rh/4aCy5r1t8bBedpXE
Y3Jiug1gIKePxqc9TJo1NrTXOrZGXSj1cfBSV7vLtlKK+8v8rOR7z6HdnrTsIAfKhO33LmVuZHN0cmVh
bQplbmRvYmoKeHJlZgowIDkKMDAwMDAwMDAwMCA2NTUzNSBmIAowMDAwMDAwMDYxIDAwMDAwIG4gCjAw
MDAwMDAwOTIgMDAwMDAgbiAKMDAwMDAwMDE5OSAwMDAwMCBuIAowMDAwMDAwNDAyIDAwMDAwIG4gCjAw
MDAwMDA0NzAgMDAwMDAgbiAKMDAwMDAwMTAwMSAwMDAwMCBuIAowMDAwMDAxMTk2IDAwMDAwIG4gCjAw
MDAwMDEyNTUgMDAwMDAgbiAKdHJhaWxlcgo8PAovRW5jcnlwdCA2IDAgUgovSUQgCls8NTc0NTdhNWQy
MjYwYmY2ODBhNGEzZmNhODM5NmY0MWE+PDU3NDU3YTVkMjI2MGJmNjgwYTRhM2ZjYTgzOTZmNDFhPl0K
JSBSZXBvcnRMYWIgZ2VuZXJhdGVkIFBERiBkb2N1bWVudCAtLSBkaWdlc3QgKG9wZW5zb3VyY2UpCgov
SW5mbyA1IDAgUgovUm9vdCA0IDAgUgovU2l6ZSA5Cj4+CnN0YXJ0eHJlZgoxNDQ5CiUlRU9GCg==
"""
PASSWORD: Final = "user"
ENCRYPTED_PDF: Final = base64.b64decode(_TEXT)

_PADDING: Final = bytes.fromhex(
    "28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a"
)
_ID: Final = b"0123456789abcdef"
_PERMISSIONS: Final = -4


def encrypted_pdf(password: str, *, owner: str = "owner") -> bytes:
    """The same page under another password (PDF 32000-1, 7.6.3, revision 2).

    With an empty password it opens for everybody, and only *owner* may change it.
    """
    user_key, owner_key = _padded(password), _padded(owner)
    locked = _rc4(_md5(owner_key)[:5], user_key)
    permissions = _PERMISSIONS.to_bytes(4, "little", signed=True)
    key = _md5(user_key + locked + permissions + _ID)[:5]
    drawn = b"BT /F1 12 Tf 72 700 Td (Secret text) Tj ET"
    content = _rc4(_md5(key + b"\x04\0\0" + b"\0\0")[:10], drawn)
    to = PdfWriter()
    to.add("<< /Type /Catalog /Pages 2 0 R >>")
    to.add("<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>")
    to.add(
        "<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 << "
        "/Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"
    )
    to.add(
        f"<< /Length {len(content)} >>\nstream\n".encode() + content + b"\nendstream"
    )
    to.add(
        f"<< /Filter /Standard /V 1 /R 2 /O <{locked.hex()}> "
        f"/U <{_rc4(key, _PADDING).hex()}> /P {_PERMISSIONS} >>"
    )
    whole = to.written(1, 1)
    return whole.replace(
        b"/Info 1 0 R", b"/Encrypt 5 0 R /ID [<%s> <%s>]" % ((_ID.hex().encode(),) * 2)
    )


def _padded(password: str) -> bytes:
    return (password.encode("latin-1") + _PADDING)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    swap = 0
    for place in range(256):
        swap = (swap + state[place] + key[place % len(key)]) % 256
        state[place], state[swap] = state[swap], state[place]
    out = bytearray()
    first = second = 0
    for byte in data:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        out.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(out)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
