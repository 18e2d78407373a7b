"""International bank account numbers, with their check digits (ISO 13616)."""

from __future__ import annotations

from typing import Final

_TABLE: Final = """
    AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 BY28 CH21 CR22 CY28 CZ24 DE22
    DK18 DO28 EE20 EG29 ES24 FI18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28
    IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 MC27 MD24
    ME22 MK19 MR27 MT31 MU30 NL18 NO15 PK24 PL28 PS29 PT25 QA29 RO24 RS22 SA24 SC31
    SE24 SI19 SK24 SM27 ST25 SV28 TN24 TR26 UA29 VA22 VG24 XK20
"""
#: Country -> length of its account numbers.
_LENGTHS: Final = {row[:2]: int(row[2:]) for row in _TABLE.split()}


def iban_in(written: str) -> tuple[str, int] | None:
    """The account number that *written* begins with, bare, and its length as written.

    None unless the country is known and the check digits are right.
    """
    length = _LENGTHS.get(written[:2])
    if length is None:
        return None
    bare = ""
    for place, letter in enumerate(written):
        if letter.isalnum():
            bare += letter
        if len(bare) == length:
            return (bare, place + 1) if is_valid(bare) else None
    return None


def is_valid(bare: str) -> bool:
    """Whether the check digits are right: the rearranged number is 1 modulo 97."""
    digits = "".join(str(int(letter, 36)) for letter in bare[4:] + bare[:4])
    return int(digits) % 97 == 1
