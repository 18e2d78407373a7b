"""`analyze_content_task` with the local engine on a text of 10,000 words.

Run by `./prsnl bench analyze [FILE]`. The task is submitted, claimed and done on a real
database in this process: title, language, keywords, entities, key sentences, type, each
committed. `cold` is the first one, whose child loads its models; `warm` the median of
those that follow, each a text of its own, so that no checkpoint is found.

- `engine`: the same questions in this process, without task, database and child.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import machine
from desk import OWNER, desk
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm
from prsnl.engines import text
from prsnl.engines.contracts import ChildFiles
from prsnl.engines.taxonomy.reading import parsed, shipped
from prsnl.work.submit import submission

WORDS = 10_000
TURNS = 7
#: Seconds, warm.
BAR_S = 2.0
_SUBJECTS = ("harbour", "library", "orchard", "railway", "observatory", "glacier")
_SAID = """
    the keeper of a wall wrote that each winter storm moved more stones than people of
    the town could carry back before spring while others measured tides counted birds
    repaired lamps and argued about money for new gates which nobody wanted to pay until
    water stood in every street again and boats were tied to trees near churches where
    children learned names of winds from maps that sailors had drawn with charcoal
"""
_WORDS = _SAID.split()


class _NoFiles:
    """The text engine reads no files."""

    inputs = outputs = Path()


def made(seed: int, words: int = WORDS) -> str:
    """A text with headings, dates, sums and names; another for each seed."""
    picked = random.Random(seed)  # noqa: S311 - a text, and no secret
    parts: list[str] = []
    count = 0
    while count < words:
        subject = picked.choice(_SUBJECTS)
        parts.append(f"{len(parts) + 1}. The {subject}")
        sentences = []
        for _ in range(picked.randint(5, 9)):
            said = " ".join(picked.choices(_WORDS, k=picked.randint(9, 24)))
            day = f"on {picked.randint(1, 28)} May {picked.randint(1900, 2020)}"
            sum_ = f"for {picked.randint(10, 900)}.50 EUR"
            more = picked.choice(["", f" {day}", f" {sum_}", " with Ada Lindqvist"])
            sentences.append(f"The {subject} {said}{more}.")
        parts.append(" ".join(sentences))
        count += sum(len(one.split()) for one in sentences)
    return "\n\n".join(parts)


def bare(content: str) -> None:
    """The same questions to the engine alone."""
    files: ChildFiles = _NoFiles()
    types = [one.model_dump() for one in parsed(shipped()).document_types]
    pages: dict[str, Any] = {"pages": [{"number": 1, "text": content}]}
    (told,) = text.analyze(files, {**pages, "file_name": "text"})
    language = told["language"]
    list(text.summarize(files, {**pages, "language": language}))
    asked = {"title": told["title"], "file_name": "text", "language": language}
    list(text.classify(files, {**pages, **asked, "types": types}))


def main() -> int:
    """Measure, print, and tell by the exit status whether the bar is met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("file", nargs="?", type=Path, help="A text instead of ours.")
    asked.add_argument("--quick", action="store_true", help="A first look.")
    wanted = asked.parse_args()
    configure_logging(Settings.read().logs)
    turns = 3 if wanted.quick else TURNS
    own = wanted.file and wanted.file.read_text(encoding="utf-8")
    texts = [(f"{own}\n\n{n}" if own else made(n)) for n in range(turns + 1)]
    print(machine.described())
    print(f"{len(texts[0].split())} words, {len(texts[0])} characters")
    took: list[float] = []
    with desk(Llm(llm_provider="extractive")) as here:
        for content in texts:
            command = AnalyzeContent(content=content)
            began = time.perf_counter()
            task = here.run(submission(ANALYZE_CONTENT, command, owner=OWNER))
            took.append(time.perf_counter() - began)
            assert task.status == "success", task.error
    bare(texts[0])
    alone: list[float] = []
    for content in texts[1:]:
        began = time.perf_counter()
        bare(content)
        alone.append(time.perf_counter() - began)
    warm = statistics.median(took[1:])
    rows = [
        ["task, cold", f"{took[0]:.2f}", ""],
        ["task, warm", f"{warm:.2f}", f"{min(took[1:]):.2f}-{max(took[1:]):.2f}"],
        [
            "engine alone",
            f"{statistics.median(alone):.2f}",
            f"{min(alone):.2f}-{max(alone):.2f}",
        ],
    ]
    print(machine.table(["", "s (median)", "least-most"], rows))
    return 0 if warm <= BAR_S else 1


if __name__ == "__main__":
    raise SystemExit(main())
