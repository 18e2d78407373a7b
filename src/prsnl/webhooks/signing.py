"""How a message is signed, so that its receiver knows who sent it, and when."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

ID_HEADER: Final = "PRSNL-Webhook-Id"
TIMESTAMP_HEADER: Final = "PRSNL-Webhook-Timestamp"
SIGNATURE_HEADER: Final = "PRSNL-Webhook-Signature"
_SECRET_BYTES: Final = 24


def new_secret() -> str:
    """A secret that nobody can guess."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """`v1=` and HMAC-SHA256 in hexadecimal, over the timestamp, a point and the body.

    Args:
        secret: What both sides know.
        timestamp: Seconds since 1970, as in the header.
        body: The bytes as they are sent.
    """
    signed = f"{timestamp}.".encode() + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
