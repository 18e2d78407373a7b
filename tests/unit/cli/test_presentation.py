"""What a person reads of a file, and what a program does."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath

import pytest
from rich.console import Console

from prsnl.terminal.failures import grouped
from prsnl.terminal.following import Progressed, Sending
from prsnl.terminal.inputs import InputFile
from prsnl.terminal.live import LiveDisplay, PlainDisplay, told
from prsnl.terminal.outcome import failed
from prsnl.terminal.summary import clock, day, lines, one_line
from prsnl.terminal.tasks import overview
from prsnl.wire.monitoring import HealthBody, WorkersBody
from prsnl.wire.tasks import StatusBody
from prsnl.work.specs import Status
from tests.unit.cli import outcomes


def test_a_file_is_a_head_line_and_what_was_learned() -> None:
    assert lines(outcomes.success()) == [
        "contract-scan.pdf   2 pages (1 without text)   0:07",
        "  Lease agreement · 12 May 2024 · contract · en",
        '  Key sentences: "The monthly rent is 940 EUR."',
        "  tags lease, deposit · amounts 940.00 EUR",
    ]


def test_what_is_not_known_leaves_no_gap() -> None:
    bare = outcomes.item(
        document_date=None, language=None, tags=[], entities=[], key_sentences=[]
    )
    plain = outcomes.attachment(kind="text", page_count=1, document_type=None)

    assert lines(outcomes.success("a.txt", item=bare, attachment=plain, pages=())) == [
        "a.txt   0:07",
        "  Lease agreement",
    ]


def test_what_was_there_says_so_instead_of_a_time() -> None:
    assert lines(outcomes.success(is_known=True))[0].endswith("(already there)")


def test_a_failure_gives_its_reason_and_a_warning_its_note() -> None:
    warned = outcomes.success(task=outcomes.task(warnings=["Page 2 is damaged."]))

    assert lines(outcomes.failure("a.pdf")) == ["a.pdf   0:00", "  failed: Broken."]
    assert lines(warned)[-1] == "  note: Page 2 is damaged."


def test_a_document_cannot_speak_to_the_terminal() -> None:
    """A title may hold escape sequences; a name may hold a line break."""
    evil = outcomes.success(
        "a\nb.pdf", item=outcomes.item(title="\x1b[2J\x1b]0;owned\x07Title")
    )

    assert all(line.isprintable() for line in lines(evil))


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.2, "0:00"), (7.4, "0:07"), (61, "1:01"), (3600, "60:00")]
)
def test_a_time_is_minutes_and_seconds(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_dates_and_long_lines_are_short() -> None:
    assert day(date(2024, 5, 12)) == "12 May 2024"
    assert one_line("a  b\nc", characters=10) == "a b c"
    assert one_line("abcdefghij", characters=8) == "abcdefg…"
    assert one_line("One, two, three four", characters=12) == "One, two…"


def test_a_long_key_sentence_is_cut_after_a_word() -> None:
    """A table without full stops is one sentence of a page's length."""
    text = "word " * 200
    long = outcomes.success(item=outcomes.item(key_sentences=[{"text": text}] * 3))
    line = next(line for line in lines(long) if "Key sentences" in line)

    assert line.count('"') == 4
    assert line.endswith(' word…"')
    assert len(line) < 2 * 142 + 30
    assert len(long.as_json()["key_sentences"]) == 3
    assert long.as_json()["key_sentences"][0]["text"] == text


def test_failures_are_grouped_by_code_with_one_command_for_what_may_end_well() -> None:
    """A damaged file stays damaged: nobody is sent there again."""
    mixed = [
        outcomes.failure("a b.pdf"),
        outcomes.success(),
        outcomes.failure("c.pdf", message="Broken in another way."),
        outcomes.failure("d.zip", "unsupported"),
        outcomes.failure("e f.pdf", "time_limit", category="resource"),
        outcomes.failure("g.pdf", "bug", category="bug"),
    ]

    assert grouped(mixed, paths=[Path("in")], options=["--output", "out"]) == [
        "2 files are damaged: get them again from where they came:",
        "  a b.pdf, c.pdf",
        "1 file is of a kind that this version does not read (unsupported):",
        "  d.zip",
        "1 file needed more time than a task may have:",
        "  e f.pdf",
        "1 file failed (bug):",
        "  g.pdf",
        "Try again: ./prsnl process '/in/e f.pdf' /in/g.pdf --output out",
    ]


def test_where_trying_again_cannot_help_no_command_is_shown() -> None:
    told_lines = grouped([outcomes.failure("a.pdf")], paths=[Path("in")], options=[])

    assert told_lines == [
        "1 file is damaged: get it again from where it came:",
        "  a.pdf",
    ]


def test_many_failures_are_tried_again_by_the_paths_of_the_command() -> None:
    many = [
        outcomes.failure(f"{number}.pdf", "unavailable", category="transient")
        for number in range(20)
    ]
    told_lines = grouped(many, paths=[Path("in")], options=[])

    assert told_lines[-1] == "Try again: ./prsnl process in"
    assert told_lines[-2].startswith("  0.pdf, 1.pdf")
    assert told_lines[-2].endswith(", 9.pdf and 10 more")


def test_a_name_that_a_terminal_would_obey_is_quoted_for_a_shell() -> None:
    evil = outcomes.failure("a\n\x1b[2J\udce9'.pdf", "bug", category="bug")
    told_lines = grouped([evil], paths=[], options=[])

    assert all(line.isprintable() for line in told_lines)
    assert told_lines[-1] == (
        "Try again: ./prsnl process $'/in/a\\x0a\\x1b[2J\\xe9\\x27.pdf'"
    )


def test_the_json_of_a_success_has_the_agreed_fields() -> None:
    told_json = outcomes.success().as_json()

    assert told_json["file"] == "contract-scan.pdf"
    assert told_json["status"] == "success"
    assert told_json["error"] is None
    assert told_json["document_date"] == "2024-05-12"
    assert told_json["peak_memory_bytes"] == 2**20
    assert [each["number"] for each in told_json["pages"]] == [1, 2]
    json.dumps(told_json)


def test_the_json_of_a_failure_has_the_same_fields() -> None:
    told_json = outcomes.failure("a.pdf").as_json()

    assert set(told_json) == set(outcomes.success().as_json())
    assert told_json["error"] == {
        "category": "permanent",
        "code": "corrupt",
        "message": "Broken.",
    }


def test_a_name_that_is_no_utf8_can_still_be_told(tmp_path: Path) -> None:
    name = b"caf\xe9.txt".decode(errors="surrogateescape")
    outcome = failed(
        InputFile(tmp_path / name, PurePath(name)), PermissionError(13, "Denied")
    )

    assert outcome.as_json()["file"] == "caf�.txt"
    assert "Denied" in lines(outcome)[1]
    json.dumps(outcome.as_json(), ensure_ascii=False).encode()


def test_a_row_says_where_a_task_is() -> None:
    running = outcomes.task(Status.RUNNING)
    waiting = outcomes.task(Status.QUEUED, waiting_because="Every worker is busy.")

    assert told(None) == "sending"
    assert told(running) == "Reading (1 of 2)"
    assert told(waiting) == "Every worker is busy."


@dataclass(frozen=True)
class BusyServer:
    """Three tasks are under way."""

    server: str = "http://127.0.0.1:8000"

    def health(self) -> HealthBody:
        return HealthBody(
            status="ok",
            version="1",
            database="ok",
            broker="ok",
            schedulers=1,
            workers={"file_processing": WorkersBody(slots=2, busy=1)},
            problems=[],
        )

    def tasks(self, *, active: bool = False, limit: int) -> list[StatusBody]:
        assert active
        assert limit > 1
        waiting = outcomes.task(
            Status.PARKED, waiting_because="The provider is away. " * 5
        )
        return [outcomes.task(Status.RUNNING), waiting, waiting]


def test_an_id_is_whole_within_80_columns() -> None:
    """It is copied from there into cancel and retry."""
    shown = overview(BusyServer(), 2, is_wide=False)

    assert shown[0].endswith("file_processing 1 of 2 busy")
    assert shown[1] == f"{outcomes.ID}  process_document_task  running"
    assert shown[2] == "  Reading (1 of 2)"
    assert shown[3] == f"{outcomes.ID}  process_document_task  parked"
    assert shown[-1] == "and 1 more"
    assert all(len(line) <= 80 for line in shown if str(outcomes.ID) in line)


def test_in_a_pipe_a_task_is_one_line() -> None:
    shown = overview(BusyServer(), 9, is_wide=True)

    assert [line.split()[0] for line in shown[1:]] == [str(outcomes.ID)] * 3
    assert shown[1].endswith("running  Reading (1 of 2)")


def test_the_live_rows_show_what_is_under_way_and_then_the_counts() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    display = LiveDisplay(console, total=3)
    display.show(Sending(outcomes.file("a.pdf")))
    display.show(Progressed(outcomes.file("b.pdf"), outcomes.task(Status.RUNNING)))
    display.show(outcomes.success("c.pdf"))
    console.print(display)
    shown = console.export_text()

    assert "a.pdf" in shown
    assert "Reading (1 of 2)" in shown
    assert "1 done, 0 failed, 2 to go" in shown
    assert "c.pdf" not in shown


def test_of_many_files_only_those_that_are_active_have_rows() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    display = LiveDisplay(console, total=300)
    for number in range(50):
        waiting = outcomes.task(
            Status.QUEUED, waiting_because="Every worker is busy (1 of 1)."
        )
        display.show(Progressed(outcomes.file(f"wait-{number}.pdf"), waiting))
    console.print(display)
    assert console.export_text().count("wait-") == 3
    display.show(Progressed(outcomes.file("b.pdf"), outcomes.task(Status.RUNNING)))
    console.print(display)
    shown = console.export_text()

    assert "wait-" not in shown
    assert "b.pdf" in shown


def test_in_a_pipe_many_files_are_one_line_now_and_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    display = PlainDisplay(total=300)
    display._said_at = dict.fromkeys([None], -1e9)
    display.show(outcomes.success("a.pdf"))
    for number in range(50):
        task = outcomes.task(Status.RUNNING)
        display.show(Progressed(outcomes.file(f"{number}.pdf"), task))

    assert capsys.readouterr().err == "1 done, 0 failed, 299 to go\n"
