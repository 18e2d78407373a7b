"""Every operation works behind every layer: what is refused, no engine needs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from prsnl.engines import documents
from prsnl.engines.contracts import JsonObject
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool
from tests.integration.sandbox.pools import MIB, TIMEOUT_S
from tests.unit.engines.documents.test_hostile import GOOD

SAMPLES = Path(__file__).parents[3] / "samples"
#: Those that need no OCR.
WITH_TEXT = sorted(p.name for p in SAMPLES.iterdir() if "scan" not in p.name)


@pytest.fixture(scope="module")
def children(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxPool]:
    folder = tmp_path_factory.mktemp("engines")
    folder.chmod(0o755)
    with SandboxPool(
        scratch_root=folder,
        limits=ChildLimits(disk_bytes=64 * MIB),
        profiles={
            "document": Profile(preload=documents.PRELOAD, memory_bytes=1536 * MIB),
            "text": Profile(
                preload=("prsnl.engines.text", "prsnl.engines.embedding.minilm"),
                reuse="shared",
                memory_bytes=1536 * MIB,
            ),
        },
    ) as made:
        yield made


def pages_of(children: SandboxPool, name: str) -> list[JsonObject]:
    """What a fresh child reads of a sample, after it was identified and drawn."""
    with children.child("document") as child:
        shutil.copyfile(SAMPLES / name, child.put("input"))
        asked = {"path": "input", "file_name": name}
        kind = child.call("file.identify", asked, timeout_s=TIMEOUT_S)["kind"]
        asked = {"path": "input", "kind": kind, "file_name": name}
        drawn = {**asked, "width": 320}
        for picture in child.stream(
            "document.thumbnail", drawn, unit_timeout_s=TIMEOUT_S
        ):
            assert child.output(picture["file_name"]).stat().st_size > 0
        _, *pages = child.stream("document.read", asked, unit_timeout_s=TIMEOUT_S)
    return [{"number": page["number"], "text": page["text"]} for page in pages]


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
@pytest.mark.parametrize("name", WITH_TEXT)
def test_a_sample_is_read_analysed_and_embedded_inside(
    children: SandboxPool, name: str
) -> None:
    pages = pages_of(children, name)
    with children.child("text") as child:
        asked = {"pages": pages, "headings": [], "metadata": {}, "file_name": name}
        analysis = child.call("text.analyze", asked, timeout_s=TIMEOUT_S)
        (cut,) = child.stream("text.chunk", {"pages": pages}, unit_timeout_s=TIMEOUT_S)
        texts = [chunk["text"] for chunk in cut["chunks"]]
        vectors = child.stream(
            "embedding.embed", {"texts": texts}, unit_timeout_s=TIMEOUT_S
        )

        assert analysis["language"] in {"en", "de"}
        assert sum(frame["count"] for frame in vectors) == len(texts) > 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
@pytest.mark.parametrize("kind", sorted(GOOD))
def test_every_kind_of_document_is_read_inside(
    children: SandboxPool, kind: str
) -> None:
    with children.child("document") as child:
        child.put("input").write_bytes(GOOD[kind])
        asked = {"path": "input", "kind": kind, "file_name": f"a.{kind}"}
        info, *pages = child.stream("document.read", asked, unit_timeout_s=TIMEOUT_S)
        members = list(
            child.stream("document.members", asked, unit_timeout_s=TIMEOUT_S)
            if kind in documents.CONTAINERS
            else ()
        )

    assert info["page_count"] == len(pages) > 0
    assert [one["name"] for one in members] == (["a.txt"] if kind == "zip" else [])


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's layers")
def test_a_manifest_is_read_inside(children: SandboxPool) -> None:
    with children.child("document") as child:
        child.put("input").write_bytes(b"celery>=5.7\n")
        asked = {"path": "input", "file_name": "requirements.txt"}
        told = child.call("manifest.read", asked, timeout_s=TIMEOUT_S)

    assert [one["name"] for one in told["dependencies"]] == ["celery"]
