"""`./prsnl process`: files in, results out."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from prsnl.client import Client, is_local
from prsnl.core.errors import PrsnlError
from prsnl.core.settings import Settings
from prsnl.terminal import servers, summary
from prsnl.terminal.export import Output
from prsnl.terminal.exported import Exports
from prsnl.terminal.failures import grouped
from prsnl.terminal.following import Run
from prsnl.terminal.hints import better_summaries
from prsnl.terminal.inputs import Inputs, collect
from prsnl.terminal.live import Display, display, print_lines
from prsnl.terminal.outcome import Outcome
from prsnl.terminal.passwords import given_password
from prsnl.terminal.reaching import reached
from prsnl.terminal.service import start_in_background
from prsnl.wire.access import Scope

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
    exports = Exports.among(wanted.paths, inputs)
    if wanted.detach:
        if exports.told:
            _warn(
                "With --detach titles, tags and dates of the export do not come back."
            )
        return _detach(settings, wanted, inputs, password)
    with reached(
        settings, wanted.server, what="prsnl process", is_quiet=wanted.is_json
    ) as client:
        session = _Session(wanted, inputs, client, output, exports, password)
        if is_local(client.server):
            session.hint = partial(better_summaries, settings)
        return session.run()


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
    exports: Exports
    password: str | None = field(default=None, repr=False)
    #: Tells what would be better, of a server on this machine.
    hint: Callable[[], str | None] | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    #: A word that a search would find.
    word: str = ""

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
            told = run.cancel()
            ended = len(self.outcomes) + told.ended
            left = len(self.inputs.files) - ended - told.files - told.others
            _warn(
                f"Cancelled {summary.count(told.files, 'file')}; "
                f"{ended} had ended before, {left} were not sent yet."
            )
            if told.others:
                others = summary.count(told.others, "file")
                _warn(
                    f"Under way from an earlier command, and not cancelled: {others}. "
                    "./prsnl status lists what runs."
                )
            return INTERRUPTED
        self._tell_end(time.monotonic() - began)
        is_whole = all(outcome.is_success for outcome in self.outcomes)
        return 0 if is_whole and not (self.inputs.missing or self.unwritten) else 1

    def _take(self, outcome: Outcome, shown: Display) -> None:
        tags = outcome.item.tags if outcome.item is not None else []
        self.word = self.word or next((tag for tag in tags if tag.isalnum()), "")
        # Of thousands of files only this much is kept.
        self.outcomes.append(outcome.without_what_was_read())
        try:
            self.exports.restore(self.client, outcome)
        except PrsnlError as error:
            self.unwritten.append(f"{outcome.file.shown}: {error.message}")
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
        if self.exports.restored:
            restored = summary.count(self.exports.restored, "item")
            print_lines(f"Of an export: title, tags and dates of {restored} restored.")
        done = len(self.outcomes) - len(failed)
        find = f'Find: ./prsnl search "{self.word}"   ' if self.word else ""
        where = self.output.folder if self.output else "--output DIR"
        print_lines(
            f"{done} done, {len(failed)} failed in {seconds:.0f} s.   "
            f"Look: ./prsnl up   {find}Files: {where}"
        )
        if self.hint is not None and done and (told := self.hint()):
            print_lines(told)


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
