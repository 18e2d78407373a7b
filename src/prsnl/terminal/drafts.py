"""`./prsnl redo-drafts`: every draft transcript once more, with the engine of now."""

from __future__ import annotations

import json
import sys

from prsnl.core.settings import Settings
from prsnl.terminal.live import print_lines
from prsnl.terminal.reaching import reached
from prsnl.work.specs import Status

_INTERRUPTED = 130


def main(*, is_agreed: bool, is_json: bool, server: str | None) -> int:
    """Say how many and how long, do them, and tell what became of them."""
    with reached(
        Settings.read(), server, what="prsnl redo-drafts", is_quiet=is_json
    ) as client:
        found = client.drafts()
        if not is_json:
            print_lines(found.message)
        if found.count and not is_json and not (is_agreed or _agrees()):
            print_lines("Nothing was queued.")
            return 1
        made = client.redo_drafts() if found.count else found
        done = failed = 0
        for number, task_id in enumerate(made.task_ids, 1):
            try:
                ended = client.wait(task_id)
            except KeyboardInterrupt:
                left = made.task_ids[number - 1 :]
                for one in left:
                    client.cancel(one)
                sys.stderr.write(f"Cancelled {len(left)}; {done} were done before.\n")
                return _INTERRUPTED
            is_done = ended.status is Status.SUCCESS
            done, failed = done + is_done, failed + (not is_done)
            if not is_json:
                why = "" if is_done or ended.error is None else ended.error.message
                told = "done" if is_done else f"{ended.status}: {why}"
                print_lines(f"{number} of {len(made.task_ids)}   {told}")
        left_over = client.drafts().count
        if is_json:
            told_json = {"done": done, "failed": failed, "drafts_left": left_over}
            print_lines(json.dumps(told_json))
        elif made.task_ids:
            print_lines(f"{done} done, {failed} failed.")
            if left_over:
                print_lines(
                    f"{left_over} still drafts: no better engine is here. "
                    "./prsnl models get speech brings one."
                )
        return 1 if failed else 0


def _agrees() -> bool:
    """Ask; whoever is no terminal has asked by the command itself."""
    if not sys.stdin.isatty():
        return True
    sys.stderr.write("Run them again? [Y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().casefold() in {"", "y", "yes"}
