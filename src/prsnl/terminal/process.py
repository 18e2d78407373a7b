"""`./prsnl process`: files in, results out."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prsnl.client import Client
from prsnl.core.errors import PrsnlError
from prsnl.core.settings import Settings
from prsnl.terminal import servers, summary
from prsnl.terminal.export import Output
from prsnl.terminal.failures import grouped
from prsnl.terminal.following import Run
from prsnl.terminal.inputs import Inputs, collect
from prsnl.terminal.live import Display, display, print_lines
from prsnl.terminal.outcome import Outcome
from prsnl.terminal.passwords import given_password
from prsnl.terminal.service import start_in_background
from prsnl.terminal.stack import service
from prsnl.wire import Scope

INTERRUPTED: Final = 130
WRONG_USAGE: Final = 2
_PATH_CHARACTERS: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user asked for."""

    paths: Sequence[Path]
    is_json: bool
    output: Path | None
    local_only: bool
    detach: bool
    server: str | None
    password_file: Path | None = None

    def options(self) -> list[str]:
        """The options that a second try needs, too."""
        told = []
        if self.output is not None:
            told += ["--output", str(self.output)]
        if self.local_only:
            told.append("--local-only")
        if self.password_file is not None:
            told += ["--password-file", str(self.password_file)]
        if self.server is not None:
            told += ["--server", self.server]
        return told


def main(wanted: Wanted) -> int:
    """Process files; tell the exit status.

    Raises:
        PrsnlError: Nothing could be begun.
    """
    settings = Settings.read()
    password = given_password(settings.server, wanted.password_file)
    own = [settings.storage.folder, *([wanted.output] if wanted.output else [])]
    inputs = collect(wanted.paths, leave_out=own)
    _tell_left_out(inputs)
    if not inputs.files:
        if not inputs.missing:
            _warn("There is nothing to process: no file in what was given.")
        return WRONG_USAGE
    output = None if wanted.output is None else Output(wanted.output)
    if output is not None:
        output.prepare()
    if wanted.detach:
        return _detach(settings, wanted, inputs, password)
    with _server(settings, wanted) as client:
        session = _Session(wanted, inputs, client, output, password)
        return session.run()


@contextmanager
def _server(settings: Settings, wanted: Wanted) -> Iterator[Client]:
    """The server in use: named, running, or started for as long as the block runs."""
    client = servers.named(settings, wanted.server)
    client = client or servers.running(settings, is_lasting=True)
    with ExitStack() as stack:
        if client is None:
            if not wanted.is_json and sys.stderr.isatty():
                _warn("Starting the database, the broker and the workers ...")
            started = stack.enter_context(
                service(settings, what="prsnl process", is_passing=True)
            )
            client = servers.own(settings, started.url)
        yield stack.enter_context(servers.checked(client, Scope.READ, Scope.WRITE))


def _detach(
    settings: Settings, wanted: Wanted, inputs: Inputs, password: str | None
) -> int:
    """Send the files, and leave them to a server that stays."""
    client = servers.named(settings, wanted.server)
    client = client or servers.running(settings, is_lasting=True)
    if client is None:
        start_in_background(settings)
        client = servers.required(settings, None)
    failures = []
    with servers.checked(client, Scope.WRITE):
        run = Run(client, local_only=wanted.local_only, password=password)
        for file, told in zip(inputs.files, run.submit_only(inputs.files), strict=True):
            if isinstance(told, Outcome):
                failures.append(told)
                for line in summary.lines(told):
                    _warn(line)
            elif wanted.is_json:
                task = {"file": file.shown, "task_id": str(told.task_id)}
                print_lines(json.dumps(task, ensure_ascii=False))
            else:
                print_lines(f"{file.shown}   {told.task_id}   {told.status}")
    for line in grouped(failures, paths=wanted.paths, options=wanted.options()):
        _warn(line)
    if not wanted.is_json:
        print_lines("Follow them: ./prsnl status --watch")
    return 1 if failures or inputs.missing else 0


@dataclass
class _Session:
    """One run over the files of a command."""

    wanted: Wanted
    inputs: Inputs
    client: Client
    output: Output | None
    password: str | None = field(default=None, repr=False)
    outcomes: list[Outcome] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)

    def run(self) -> int:
        """Process; tell the exit status."""
        began = time.monotonic()
        run = Run(
            self.client, local_only=self.wanted.local_only, password=self.password
        )
        try:
            with display(
                total=len(self.inputs.files), is_json=self.wanted.is_json
            ) as shown:
                for event in run.outcomes(self.inputs.files):
                    shown.show(event)
                    if isinstance(event, Outcome):
                        self._take(event, shown)
        except KeyboardInterrupt:
            # A second Ctrl-C waits for nothing: the kernel tells our children.
            signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
            _warn("Cancelling what was sent and is not done ...")
            cancelled, others = run.cancel()
            _warn(
                f"Cancelled {summary.count(cancelled, 'file')}; "
                f"{len(self.outcomes)} had ended before."
            )
            if others:
                _warn(
                    f"{summary.count(others, 'file')} of an earlier command were under "
                    "way, and go on: ./prsnl status lists them."
                )
            return INTERRUPTED
        self._tell_end(time.monotonic() - began)
        is_whole = all(outcome.is_success for outcome in self.outcomes)
        return 0 if is_whole and not (self.inputs.missing or self.unwritten) else 1

    def _take(self, outcome: Outcome, shown: Display) -> None:
        self.outcomes.append(outcome)
        if self.wanted.is_json:
            print_lines(json.dumps(outcome.as_json(), ensure_ascii=False))
        else:
            shown.say(*summary.lines(outcome))
        if self.output is not None:
            try:
                self.output.write(self.client, outcome)
            except PrsnlError as error:
                self.unwritten.append(f"{outcome.file.shown}: {error.message}")

    def _tell_end(self, seconds: float) -> None:
        say = _warn if self.wanted.is_json else print_lines
        failed = [one for one in self.outcomes if not one.is_success]
        for line in grouped(
            failed, paths=self.wanted.paths, options=self.wanted.options()
        ):
            say(line)
        for line in self.unwritten:
            _warn(line)
        if self.wanted.is_json:
            return
        done = len(self.outcomes) - len(failed)
        where = self.output.folder if self.output else "--output DIR"
        print_lines(
            f"{done} done, {len(failed)} failed in {seconds:.0f} s.   "
            f"Look: ./prsnl up   Files: {where}"
        )


def _tell_left_out(inputs: Inputs) -> None:
    for path, reason in inputs.missing.items():
        _warn(summary.one_line(f"{path}: {reason}", characters=_PATH_CHARACTERS))
    for line in inputs.skipped:
        told = summary.one_line(line, characters=_PATH_CHARACTERS)
        _warn(f"Left out: {told}")
    if inputs.hidden:
        _warn(f"Left out: {summary.count(inputs.hidden, 'hidden file')} or folders.")


def _warn(line: str) -> None:
    sys.stderr.write(line + "\n")
