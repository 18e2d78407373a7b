"""`./prsnl log`: what workers did of a task."""

from __future__ import annotations

from typing import Final

from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.terminal.tasks import checked_id
from prsnl.wire.task_log import LogLine

#: Has lines of its own: where it happened, one call a line.
_TRACE: Final = "trace"


def main(task_id: str, *, is_json: bool, server: str | None) -> int:
    """Print the log of one task; `--json` prints a line of JSON for each."""
    asked = checked_id(task_id)
    with servers.required(Settings.read(), server) as client:
        attempt = None
        told = False
        for line in client.log(asked):
            told = True
            if is_json:
                print_lines(line.model_dump_json())
                continue
            if line.attempt != attempt:
                attempt = line.attempt
                print_lines(_head(line))
            print_lines(*_told(line))
        if not told and not is_json:
            print_lines("No worker has had it yet: ./prsnl status says why it waits.")
    return 0


def _head(line: LogLine) -> str:
    where = f" on {line.host}" if line.host else ""
    return f"attempt {line.attempt}{where}   {line.task}, {line.queue}"


def _told(line: LogLine) -> list[str]:
    at = line.at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    level = "" if line.level == "info" else f"{line.level.upper()} "
    facts = [
        f"{name}={value}"
        for name, value in line.fields.items()
        if name != _TRACE and value is not None
    ]
    words = [f"  {at}  {level}{line.event}", *([line.stage] if line.stage else [])]
    trace = str(line.fields.get(_TRACE) or "").rstrip().splitlines()
    return ["  ".join([*words, *facts]), *(f"      {each}" for each in trace)]
