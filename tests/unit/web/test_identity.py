"""Who a secret lets in: what is kept is compared whole, and in constant time."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import uuid4

import pytest

from prsnl.core.db import Db, Row
from prsnl.web import identity
from prsnl.web.identity import Credential, find


@dataclass
class OneRow:
    """A database whose index finds one row, whatever is looked for."""

    row: Row
    statements: list[str] = field(default_factory=list)

    def execute(self, statement: str, _values: Any) -> OneRow:
        self.statements.append(statement)
        return self

    def fetchone(self) -> Row:
        return self.row


def found_by(credential: Credential, kept: bytes) -> identity.Identity | None:
    row = {
        "secret_hash": kept,
        "key_id": uuid4(),
        "owner": "ada",
        "scopes": ["read"],
        "session_id": None,
    }
    return find(cast("Db", OneRow(row)), credential)


@pytest.mark.parametrize("of", [Credential.of_key, Credential.of_session])
def test_a_hash_that_differs_anywhere_lets_nobody_in(of: Any) -> None:
    """Whatever the look-up finds: by a defect, by a collation, by a prefix."""
    credential = of("prsnl_a-key-of-ada")
    kept = credential.secret_hash

    let_in = found_by(credential, kept)
    assert let_in is not None
    assert let_in.owner == "ada"
    for place in (0, len(kept) // 2, len(kept) - 1):
        other = kept[:place] + bytes([kept[place] ^ 1]) + kept[place + 1 :]
        assert found_by(credential, other) is None
    assert found_by(credential, kept[:-1]) is None
    assert found_by(credential, kept + b"x") is None


def test_a_secret_is_compared_by_the_function_for_that() -> None:
    """`==` ends at the first byte that differs: its time tells how many were right."""
    tree = ast.parse(inspect.getsource(find))
    called = {
        ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)
    }
    compared = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        and any(isinstance(one, ast.Eq | ast.NotEq) for one in node.ops)
    ]

    assert "hmac.compare_digest" in called
    assert compared == []
