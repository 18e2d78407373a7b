#!/usr/bin/env python3
"""Join the JSON logs of several hosts: the lines of one task, or of all, in order.

    collect_logs.py [--task ID] FILE...

Each FILE is a log written with PRSNL_LOG_FORMAT=json; - is standard input. What is no
line of JSON (a program's last words, an older log) is left out and counted. It needs
Python alone. Lines are sorted by the hosts' own clocks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the lines; status 1 if there are none."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--task", metavar="ID", help="only the lines of this task")
    parser.add_argument("files", metavar="FILE", nargs="+")
    asked = parser.parse_args(arguments)
    told: list[dict[str, object]] = []
    left_out = 0
    for name in asked.files:
        try:
            for line in _lines(name):
                parsed = _parsed(line)
                if parsed is None:
                    left_out += 1
                elif asked.task in (None, parsed.get("task_id")):
                    told.append(parsed)
        except OSError as error:
            sys.exit(f"{name} cannot be read: {error.strerror}.")
    for each in sorted(told, key=lambda each: str(each.get("timestamp", ""))):
        sys.stdout.write(json.dumps(each, ensure_ascii=False) + "\n")
    if left_out:
        sys.stderr.write(f"{left_out} lines are no JSON and were left out.\n")
    return 0 if told else 1


def _lines(name: str) -> Iterator[str]:
    if name == "-":
        yield from sys.stdin
        return
    with Path(name).open(encoding="utf-8", errors="replace") as file:
        yield from file


def _parsed(line: str) -> dict[str, object] | None:
    try:
        parsed = json.loads(line)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
