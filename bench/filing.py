"""Categories by a language model: 200 texts together, and one by one.

Run by `./prsnl bench filing`. The model is the tests' server, which speaks OpenAI's
protocol over a real socket and counts tokens; `smart_categorization_task` asks it,
through limits, books and receipts, once with all texts in one task, and once in a task
for each. Calls, tokens and bytes are read from the books.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.fakes.llm_server import llm_server
from tests.fakes.sorted_texts import FILED

import machine
from desk import OWNER, Desk, desk
from prsnl.ai_processing.categorization_specs import (
    SMART_CATEGORIZATION,
    ContentItem,
    SmartCategorization,
)
from prsnl.core.logging import configure_logging
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm
from prsnl.work.submit import submission

TEXTS = 200


def categorized(here: Desk, contents: list[str]) -> None:
    """One task for some texts."""
    command = SmartCategorization(
        content_items=tuple(ContentItem(content=one) for one in contents)
    )
    task = here.run(submission(SMART_CATEGORIZATION, command, owner=OWNER))
    assert task.status == "success", task.error


def booked(here: Desk) -> tuple[int, int, int, int]:
    """Calls, tokens in, tokens out and bytes so far; the books begin anew."""
    with here.database.connection() as connection:
        row = connection.execute(
            "select count(*) as calls, sum(tokens_in) as tokens_in, "
            "sum(tokens_out) as tokens_out, sum(sent_bytes) as sent from calls"
        ).fetchone()
        connection.execute("truncate calls, call_items")
    assert row is not None
    return row["calls"], row["tokens_in"], row["tokens_out"], row["sent"]


def main() -> int:
    """Measure, print, and tell by the exit status whether batches cost less."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="With 40 texts.")
    count = 40 if asked.parse_args().quick else TEXTS
    configure_logging(Settings.read().logs)
    print(machine.described())
    rows = []
    tokens = []
    with llm_server() as server:
        llm = Llm(
            llm_provider="compatible", llm_base_url=server.base_url, llm_model="fake"
        )
        with desk(llm) as here:
            for side in ("together", "one by one"):
                texts = [
                    f"{FILED[n % len(FILED)].text} {side} {n}" for n in range(count)
                ]
                began = time.perf_counter()
                if side == "together":
                    categorized(here, texts)
                else:
                    for one in texts:
                        categorized(here, [one])
                took = time.perf_counter() - began
                calls, into, out, sent = booked(here)
                tokens.append(into + out)
                rows.append([side, *map(str, (calls, into, out, sent)), f"{took:.1f}"])
    print(f"{count} texts")
    heads = ["", "calls", "tokens in", "tokens out", "bytes sent", "s"]
    print(machine.table(heads, rows))
    return 0 if tokens[0] < tokens[1] else 1


if __name__ == "__main__":
    raise SystemExit(main())
