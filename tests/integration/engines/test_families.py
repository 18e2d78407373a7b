"""The engine families together: the operations' table, the samples, their memory."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from prsnl.core.errors import EncryptedError
from prsnl.engines import documents, pdf, text
from prsnl.engines.contracts import (
    OPERATIONS,
    DocumentInfo,
    DocumentType,
    FileType,
    PageText,
    Summary,
    TextAnalysis,
)
from prsnl.engines.documents.identify import identify
from prsnl.engines.taxonomy.reading import parsed, shipped
from tests.fakes.child_files import FolderFiles
from tests.fakes.encrypted_pdf import ENCRYPTED_PDF, PASSWORD

SAMPLES = Path(__file__).parents[3] / "samples"
FILES = FolderFiles(SAMPLES, SAMPLES)
#: What a sandbox child may use, and what this family should.
ADDRESS_SPACE_BYTES = 1536 * 2**20
RESIDENT_MAX_BYTES = 450 * 2**20


@pytest.mark.parametrize("place", OPERATIONS.values())
def test_an_operation_is_a_generator_where_the_table_says(place: str) -> None:
    module, _, name = place.partition(":")

    operation = getattr(importlib.import_module(module), name)

    assert inspect.isgeneratorfunction(operation)
    assert list(inspect.signature(operation).parameters) == ["files", "params"]


@pytest.mark.parametrize("module", [*documents.READERS.values()])
def test_every_reader_can_be_imported(module: str) -> None:
    assert inspect.isgeneratorfunction(importlib.import_module(module).read)


@pytest.mark.parametrize("name", documents.PRELOAD)
def test_what_is_preloaded_exists(name: str) -> None:
    module, _, function = name.partition(":")

    loaded = importlib.import_module(module)

    assert not function or callable(getattr(loaded, function))


@pytest.mark.parametrize(
    ("name", "kind", "title", "language", "date", "document_type"),
    [
        (
            "lease-agreement.pdf",
            "pdf",
            "Lease agreement",
            "en",
            "2024-05-12",
            "contract",
        ),
        (
            "garden-report.docx",
            "docx",
            "Quarterly report of the community garden",
            "en",
            "2025-04-03",
            "report",
        ),
        (
            "bread-guide.html",
            "html",
            "A first sourdough loaf",
            "en",
            "2025-02-16",
            "recipe",
        ),
        (
            "reading-note.md",
            "markdown",
            "Why cities keep bees",
            "en",
            "2025-03-04",
            None,
        ),
        (
            "protokoll-hausversammlung.txt",
            "text",
            "Protokoll der Hausversammlung",
            "de",
            "2025-03-18",
            "minutes",
        ),
    ],
)
def test_a_sample_is_read_and_understood(
    *,
    name: str,
    kind: str,
    title: str,
    language: str,
    date: str,
    document_type: str | None,
) -> None:
    (found,) = identify(FILES, {"path": name, "file_name": name})
    assert FileType.model_validate(found).kind == kind

    info, *pages = documents.read(FILES, {"path": name, "kind": kind})
    told = DocumentInfo.model_validate(info)
    assert told.page_count == len(pages)
    read = [PageText.model_validate(page) for page in pages]
    asked = {
        "pages": [{"number": page.number, "text": page.text} for page in read],
        "headings": info["headings"],
        "metadata": told.metadata,
        "file_name": name,
    }
    (analyzed,) = text.analyze(FILES, asked)
    types = [one.model_dump() for one in parsed(shipped()).document_types]
    (classified,) = text.classify(
        FILES,
        {
            **asked,
            "title": analyzed["title"],
            "language": analyzed["language"],
            "kind": kind,
            "types": types,
        },
    )
    (summed,) = text.summarize(FILES, {**asked, "language": analyzed["language"]})

    analysis = TextAnalysis.model_validate(analyzed)
    assert (analysis.title, analysis.language) == (title, language)
    assert str(analysis.document_date) == date
    assert DocumentType.model_validate(classified).document_type == document_type
    assert len(Summary.model_validate(summed).key_sentences) >= 3


def test_an_encrypted_pdf_asks_for_its_password(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(ENCRYPTED_PDF)
    files = FolderFiles(tmp_path, tmp_path)

    with pytest.raises(EncryptedError, match=r"needs a password"):
        next(pdf.read(files, {"path": "a.pdf"}))
    with pytest.raises(EncryptedError, match="does not open"):
        next(pdf.read(files, {"path": "a.pdf", "password": "wrong"}))

    _, page = pdf.read(files, {"path": "a.pdf", "password": PASSWORD})
    assert page["text"] == "Secret text"


_EVERYTHING = f"""
import json, resource
resource.setrlimit(resource.RLIMIT_AS, ({ADDRESS_SPACE_BYTES}, {ADDRESS_SPACE_BYTES}))
from prsnl.engines import documents, embedding, pdf, text
from prsnl.engines.documents import detector, docx, html, markdown
page = {{"number": 1, "text": "Die Miete ist am dritten Werktag fällig. " * 50}}
list(text.analyze(None, {{"pages": [page]}}))
frames = list(embedding.embed(None, {{"texts": [page["text"]] * 32}}))
# Not ru_maxrss: that keeps the peak of the process which was forked.
status = open("/proc/self/status").read()
peak = int(status.split("VmHWM:")[1].split()[0])
print(json.dumps({{"frames": len(frames), "peak": peak}}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
def test_everything_loaded_fits_a_child() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _EVERYTHING],
        capture_output=True,
        check=True,
        text=True,
        env={"PYTHONPATH": str(SAMPLES.parent / "src")},
    )

    told = json.loads(done.stdout)
    assert told["frames"] == 1
    assert told["peak"] * 1024 < RESIDENT_MAX_BYTES


@pytest.mark.parametrize(
    ("module", "foreign"),
    [
        ("prsnl.engines.pdf", "onnxruntime"),
        ("prsnl.engines.pdf", "numpy"),
        ("prsnl.engines.documents", "pypdfium2"),
        ("prsnl.engines.documents.identify", "magika"),
        ("prsnl.engines.text", "onnxruntime"),
        ("prsnl.engines.embedding", "onnxruntime"),
    ],
)
def test_an_engine_imports_only_its_own_library(module: str, foreign: str) -> None:
    """A child that reads a PDF does not load what embeds."""
    code = f"import sys, {module}; sys.exit({foreign!r} in sys.modules)"

    subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        env={"PYTHONPATH": str(SAMPLES.parent / "src")},
    )
