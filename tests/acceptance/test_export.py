"""What is exported, wiped and processed back is what it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prsnl.client import Client
from prsnl.embedded.stack import StackUrls
from tests.acceptance.test_cli import LEASE, run, service
from tests.conftest import fresh_broker, fresh_database

#: What makes an item what it is; ids and times of processing are new.
KEPT = (
    "title",
    "title_source",
    "language",
    "document_date",
    "tags",
    "key_sentences",
    "entities",
    "user_fields",
    "created_at",
)


def described(client: Client) -> dict[str, dict[str, Any]]:
    """Every item by the name of its file."""
    told = {}
    for item in client.items():
        (file,) = item.attachments
        key = f"{file.file_name} {file.sha256[:8]}"
        told[key] = item.model_dump(mode="json", include=set(KEPT))
        told[key]["document_type"] = file.document_type
        told[key]["text"] = client.text(file.id)
    return told


def test_what_is_exported_wiped_and_processed_back_is_the_same(
    environment: dict[str, str], stack: StackUrls, tmp_path: Path
) -> None:
    """Titles, tags, dates, and what a person has set; of two files of one name, too."""
    source, out = tmp_path / "source", tmp_path / "out"
    (source / "sub").mkdir(parents=True)
    (source / "lease.txt").write_text(LEASE)
    (source / "sub" / "lease.txt").write_text(f"Another {LEASE}")
    (source / "note.md").write_text("# A note\n\nOf 3 May 2024, on kettles.\n")
    out.mkdir()
    (out / "note.md").write_text("I am somebody else's.")
    with service(environment):
        assert run(environment, "process", source).returncode == 0
        with Client.local(Path(environment["PRSNL_DATA_DIR"])) as client:
            note = next(one for one in client.items() if one.title == "A note")
            assert "3 May 2024" in [one["text"] for one in note.entities]
            edit = {
                "title": "My kettle",
                "tags": ["kettle", "mine"],
                "names": {"3 May 2024": None},
            }
            answer = client._http.patch(f"/api/items/{note.id}", json=edit)
            assert answer.status_code == 200
            before = described(client)
            edited = client.item(note.id)
            assert "3 May 2024" not in [one["text"] for one in edited.entities]
            first = run(environment, "export", out)
            second = run(environment, "export", out)
            changed = out / "lease.txt.md"
            changed.write_text("I was edited here.")
            third = run(environment, "export", out)
    assert first.returncode == 0, first.stderr
    assert "note.md is there and of no export: left as it is" in first.stdout
    assert "3 files exported" in first.stdout
    assert "0 written anew" in second.stdout
    assert third.returncode == 1
    assert "lease.txt.md was changed since it was exported" in third.stdout
    assert (out / "note.md").read_text() == "I am somebody else's."
    assert json.loads((out / "note (2).md.json").read_text())["item"]["tags"] == [
        "kettle",
        "mine",
    ]
    (out / "note.md").unlink()
    changed.unlink()

    with fresh_database(stack) as url:
        fresh = {
            **environment,
            "PRSNL_DATABASE_URL": url,
            "PRSNL_BROKER_URL": fresh_broker(stack),
            "PRSNL_DATA_DIR": str(tmp_path / "fresh"),
        }
        with service(fresh):
            back = run(fresh, "process", out)
            assert back.returncode == 0, back.stderr
            with Client.local(tmp_path / "fresh") as client:
                after = described(client)

    assert "title, tags and dates of 3 items restored" in back.stdout
    assert "3 done, 0 failed" in back.stdout
    assert after == before
