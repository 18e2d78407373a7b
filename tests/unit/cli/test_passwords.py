"""Where the password of documents comes from."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from prsnl.core.errors import BadRequestError
from prsnl.core.settings.service import Server
from prsnl.terminal.passwords import given_password

NONE_SET = Server(document_password=None)


def test_the_first_line_of_a_file_is_the_password(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("gehört mir \nnot this\n", encoding="utf-8")

    assert given_password(NONE_SET, tmp_path / "p") == "gehört mir "


def test_the_environment_is_asked_last(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("of the file")
    settings = Server(document_password=SecretStr("of the environment"))

    assert given_password(settings, None) == "of the environment"
    assert given_password(settings, tmp_path / "p") == "of the file"
    assert given_password(NONE_SET, None) is None


@pytest.mark.parametrize(("content", "says"), [(b"", "no password"), (b"\n", "no"),
                                               (b"\xff\xfe", "no text")])  # fmt: skip
def test_a_file_without_a_password_is_refused(
    tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "p").write_bytes(content)

    with pytest.raises(BadRequestError, match=says):
        given_password(NONE_SET, tmp_path / "p")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="No such file"):
        given_password(NONE_SET, tmp_path / "nothing")
