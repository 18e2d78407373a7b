"""What a person reads of work, of settings and of this installation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from prsnl.core.errors import Category
from prsnl.core.settings import Settings
from prsnl.core.settings.shown import NOT_SET, SET, shown
from prsnl.dashboard import checking, codes, telling
from prsnl.dashboard.failing import without_folders
from prsnl.dashboard.moving import left_words, step_words, unit_words
from prsnl.wire.engines import EngineBody, EnginesBody, EngineTestBody, JobBody
from prsnl.wire.monitoring import HealthBody
from prsnl.work.eta import Eta
from prsnl.work.queues import Queue
from prsnl.work.specs import Status

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Version/18.0 Mobile Safari/604.1"


def test_a_step_is_told_with_how_many_there_are_once_that_is_known() -> None:
    assert step_words(0, 9, None) == ""
    assert step_words(3, None, "pages") == "Step 3: Read the pages"
    assert step_words(3, 9, "pages") == "Step 3 of 9: Read the pages"
    assert step_words(10, 9, "pages") == "Step 10: Read the pages"


def test_pages_are_counted_and_what_nobody_counts_is_not() -> None:
    assert unit_words("pages", 12, 40) == "12 of 40 pages"
    assert unit_words("pages", 12, None) == "12 pages"
    assert unit_words("pages", 0, 40) == ""
    assert unit_words("identify", 1, 40) == ""


@pytest.mark.parametrize(
    ("low_s", "high_s", "told"),
    [
        (0.2, 3, "a few seconds left"),
        (0.2, 40, "up to 40 s left"),
        (8, 9, "about 9 s left"),
        (20, 130, "20 s to 2 min left"),
        (4000, 9000, "67 min to 2.5 h left"),
    ],
)
def test_an_end_is_told_as_roughly_as_it_is_known(
    low_s: float, high_s: float, told: str
) -> None:
    assert left_words(Eta(low_s, high_s, 9)) == told
    assert left_words(None) == ""


def test_how_long_something_goes_on() -> None:
    assert telling.since_words(NOW, NOW) == "0 s"
    assert telling.since_words(NOW + timedelta(seconds=5), NOW) == "0 s"
    assert telling.since_words(NOW - timedelta(seconds=72), NOW) == "1 min 12 s"


def test_what_was_not_measured_is_said_to_be_so() -> None:
    assert telling.spent_words(None) == "not measured"
    assert telling.age_words(None) == "none waits"
    assert telling.age_words(0.2) == "under 1 s"
    assert telling.rate_words(0, 24) == "0 an hour"
    assert telling.rate_words(36, 24) == "1.5 an hour"
    assert telling.rate_words(1, 24) == "1 a day"
    assert telling.rate_words(12, 24) == "12 a day"
    assert telling.rate_words(3, 720) == "3 a month"
    assert telling.rate_words(36000, 1) == "600 a minute"


def test_every_queue_and_every_kind_of_failure_has_words() -> None:
    assert all(telling.queue_words(queue) for queue in Queue)
    assert all(telling.category_words(category) for category in Category)
    assert telling.queue_words("x") == telling.category_words(None) == ""


@pytest.mark.parametrize(
    ("agent", "told"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on an iPhone"),
        ("curl/8", "curl/8"),
        ("", "A browser without a name"),
    ],
)
def test_a_browser_is_called_as_people_call_it(agent: str, told: str) -> None:
    assert telling.device_words(agent) == told


def test_a_list_and_a_description_read_as_a_sentence_does() -> None:
    assert telling.listed_words(["a"]) == "a"
    assert telling.listed_words(["a", "b", "c"]) == "a, b and c"
    assert str(telling.coded("set `<b>` or not")) == (
        "set <code>&lt;b&gt;</code> or not"
    )
    assert telling.value_words("PRSNL_QUOTA_BYTES", "1048576") == "1048576 (1.0 MiB)"
    assert telling.value_words("PRSNL_PORT", "8000") == "8000"


def test_a_trace_tells_no_folder_of_the_server() -> None:
    told = without_folders(
        '  File "/home/ada/prsnl/src/prsnl/work/run.py", line 7, in run\n'
        '  File "/opt/x/lib/python3.12/json/decoder.py", line 1, in decode\n'
        '  File "/opt/x/lib/python3.12/site-packages/av/open.py", line 2, in open\n'
        '  File "/home/ada/odd place/strange.py", line 3, in odd\n'
    )

    assert "/home" not in told
    assert "/opt" not in told
    for place in ("prsnl/work/run.py", "json/decoder.py", "av/open.py", "strange.py"):
        assert f'File "{place}"' in told


def test_a_secret_and_a_folder_are_told_as_set_or_not(tmp_path: Path) -> None:
    settings = Settings.read(tmp_path)
    told = {one.variable: one for one in shown(settings, has_paths=False)}
    here = {one.variable: one for one in shown(settings, has_paths=True)}

    assert told["PRSNL_DATA_DIR"].value == SET
    assert str(tmp_path) in here["PRSNL_DATA_DIR"].value
    assert told["PRSNL_STORAGE_URL"].value == NOT_SET
    assert told["PRSNL_LOCAL_ONLY"].value == "false"
    assert all(one.description for one in told.values())


def test_a_code_holds_its_address_in_a_quiet_frame() -> None:
    code = codes.drawn("http://192.168.1.7:8000/link#token")

    assert code.size >= 21 + 8
    assert code.path.startswith("M4 4h1v1h-1z")  # the corner of a finder


def health(**changes: object) -> HealthBody:
    values: dict[str, object] = {
        "status": "ok",
        "version": "1",
        "database": "ok",
        "broker": "ok",
        "schedulers": 1,
        "workers": {"file_processing": {"slots": 2, "busy": 1}},
        "problems": [],
    }
    return HealthBody.model_validate({**values, **changes})


def checked(
    told: HealthBody, *, free_bytes: int = 10, test: EngineTestBody | None = None
) -> list[checking.Check]:
    engine = EngineBody(
        name="magika 1", standing="in use", how_good="", reach="local", host=None
    )
    jobs = [
        JobBody(
            job="kind", title="Kinds of files", engines=[engine], better=[], test=test
        ),
        JobBody(job="ocr", title="Text in pictures (OCR)", engines=[], better=[]),
    ]
    return checking.checks(
        told,
        [],
        EnginesBody(jobs=jobs, local_only=False),
        free_bytes=free_bytes,
        floor_bytes=10,
    )


def test_what_is_wrong_stands_first_and_each_once() -> None:
    away = "The broker does not answer."
    found = checked(
        health(broker=away, schedulers=0, problems=[away, "A door is open."]),
        free_bytes=1,
    )
    wrong = [check.found for check in found if check.state == checking.WRONG]

    assert [check.state for check in found[: len(wrong)]] == [checking.WRONG] * len(
        wrong
    )
    assert wrong.count(away) == 1
    assert "A door is open." in wrong
    assert any("uploads are refused" in each for each in wrong)
    assert any("./prsnl scheduler" in each for each in wrong)


def test_the_report_is_a_line_for_each_part() -> None:
    found = checked(health())
    report = checking.report(found)

    assert len(report.splitlines()) == len(found)
    assert "nobody does it here" in report
    assert report.splitlines()[-1].startswith("ok ")


def test_an_engine_that_failed_its_test_is_wrong_until_another_is_in_use() -> None:
    def found(engine: str) -> checking.Check:
        test = EngineTestBody(
            task_id=uuid4(),
            status=Status.SUCCESS,
            waiting_because=None,
            works=False,
            engine=engine,
            said="Its model is damaged.",
            milliseconds=3,
            created_at=NOW,
            finished_at=NOW,
        )
        told = checked(health(), test=test)
        return next(check for check in told if check.what == "kinds of files")

    assert found("magika 1").state == checking.WRONG
    assert found("magika 1").found == "magika 1 failed its test: Its model is damaged."
    assert found("magika 0.9").state == checking.OK
