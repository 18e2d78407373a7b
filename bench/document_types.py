"""How many documents of a plain kind get the right type, on an empty store.

Run by `./prsnl bench document-types FOLDER`. Each file below the folder that
`document_types.json` (or `--labels`) names is processed whole by
`process_document_task`, with OCR where it needs some, without a language model. The
labels are file names with the type that a person would give it; null is a file of no
plain kind, for which nothing should be told with confidence.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import machine
from desk import OWNER, Desk, desk
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm
from prsnl.engines.text.document_type import SURE
from prsnl.file_processing.specs import PROCESS_DOCUMENT, ProcessDocument
from prsnl.items import store
from prsnl.work.submit import submission

LABELS = Path(__file__).with_suffix(".json")
#: Of those of a plain kind.
BAR = 0.7


def typed(here: Desk, path: Path) -> tuple[str | None, float]:
    """The type of a file and its confidence; none where it cannot be read."""
    file = here.put(path)
    here.run(
        submission(
            PROCESS_DOCUMENT,
            ProcessDocument(file_id=file.id),
            owner=OWNER,
            attachment_id=file.id,
        )
    )
    with here.database.connection() as connection:
        told = store.attachment(connection, file.id, owner=OWNER)
    return told.document_type, told.document_type_confidence or 0.0


def verdict(label: str | None, told: str | None, confidence: float) -> str:
    """What to think of an answer."""
    if told == label:
        return "right"
    if told is None:
        return "left open"
    return "surely wrong" if confidence >= SURE else "wrong"


def main() -> int:
    """Measure, print, and tell by the exit status whether the bar is met."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("folder", type=Path, help="The files, in folders or not.")
    asked.add_argument("--labels", type=Path, default=LABELS, help="Names and types.")
    wanted = asked.parse_args()
    configure_logging(Settings.read().logs)
    labels: dict[str, str | None] = json.loads(wanted.labels.read_text("utf-8"))
    paths = sorted(one for one in wanted.folder.rglob("*") if one.name in labels)
    print(machine.described())
    plain: Counter[str] = Counter()
    other: Counter[str] = Counter()
    rows = []
    with desk(Llm(llm_provider="extractive")) as here:
        for path in paths:
            label = labels[path.name]
            told, confidence = typed(here, path)
            outcome = verdict(label, told, confidence)
            (other if label is None else plain)[outcome] += 1
            rows.append(
                [path.name, label or "-", told or "-", f"{confidence:.2f}", outcome]
            )
    print(machine.table(["file", "label", "told", "confidence", "verdict"], rows))
    count = sum(plain.values())
    wrong = plain["surely wrong"] + other["surely wrong"]
    print(
        f"{plain['right']} of {count} of a plain kind are right, "
        f"{plain['left open']} left open, {plain['wrong']} wrong; of {len(paths)} "
        f"{wrong} are wrong with a confidence of {SURE} or more."
    )
    return 0 if count and plain["right"] >= BAR * count and not wrong else 1


if __name__ == "__main__":
    raise SystemExit(main())
