"""The page of examples in the docs: what the local engine says of our own texts.

`python -m tests.integration.engines.examples` writes it anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from prsnl.engines import documents, text
from prsnl.engines.documents.identify import identify
from prsnl.engines.taxonomy.reading import parsed, shipped
from tests.fakes.child_files import FolderFiles
from tests.fakes.tide_paper import PAGES

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = ROOT / "docs" / "extractive.md"
SAMPLES: Final = (
    "lease-agreement.pdf",
    "garden-report.docx",
    "protokoll-hausversammlung.txt",
)
_FILES: Final = FolderFiles(ROOT / "samples", ROOT / "samples")
_MARK: Final = "<!-- From here on written by a test. -->\n"
_NAMES: Final = 6


def examples() -> str:
    """All examples as Markdown."""
    told = [_example(f"`samples/{name}`", *_sample(name)) for name in SAMPLES]
    paper = [{"number": n, "text": one} for n, one in enumerate(PAGES, 1)]
    about = {"pages": paper, "headings": [], "metadata": {}, "file_name": "tides.pdf"}
    told.append(_example("A paper of three pages (`tests/fakes/tide_paper.py`)", about))
    return "\n".join(told)


def written() -> str:
    """The page as it stands in the docs, behind its introduction."""
    return PAGE.read_text(encoding="utf-8").partition(_MARK)[2].lstrip("\n")


def _sample(name: str) -> tuple[dict[str, Any], str]:
    (told,) = identify(_FILES, {"path": name, "file_name": name})
    info, *pages = documents.read(_FILES, {"path": name, "kind": told["kind"]})
    about = {
        "pages": [{"number": one["number"], "text": one["text"]} for one in pages],
        "headings": info["headings"],
        "metadata": info["metadata"],
        "file_name": name,
    }
    return about, str(told["kind"])


def _example(heading: str, about: Mapping[str, Any], kind: str | None = None) -> str:
    taxonomy = parsed(shipped())
    (analysis,) = text.analyze(_FILES, dict(about))
    language, title = analysis["language"], analysis["title"]
    known = [*about["headings"], {"level": 1, "text": title}]
    (summary,) = text.summarize(
        _FILES, {**about, "headings": known, "language": language}
    )
    asked = {**about, "title": title, "language": language, "kind": kind}
    types = [one.model_dump() for one in taxonomy.document_types]
    (told,) = text.classify(_FILES, {**asked, "types": types})
    why = f"because {_small(told['reason'])}"
    return "\n".join(
        [
            f"## {heading}\n",
            f"*{title}* · {language} · {told['document_type']}, {why}\n",
            *_sentences(summary["key_sentences"]),
            "",
            f"Keywords: {', '.join(one['text'] for one in analysis['keywords'])}\n",
            f"Names: {', '.join(_names(analysis['entities'])) or 'none'}\n",
        ]
    )


def _small(reason: str) -> str:
    return reason[:1].lower() + reason[1:]


def _sentences(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in found:
        yield f"- {one['text']} *(page {one['page']})*"


def _names(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return [one["text"] for one in found if one["kind"] == "candidate"][:_NAMES]


if __name__ == "__main__":
    head = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    PAGE.write_text(f"{head}{_MARK}\n{examples()}", encoding="utf-8")
