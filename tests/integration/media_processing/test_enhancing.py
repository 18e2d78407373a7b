"""What a transcribed recording teaches: in its own words, or in a model's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from prsnl.core.db import Db
from prsnl.core.settings.engines import Llm
from prsnl.embedded.stack import StackUrls
from prsnl.engines.speech.contract import (
    Activity,
    Phrase,
    Quality,
    Segment,
    SegmentStatus,
    Unit,
)
from prsnl.items import store, transcripts
from prsnl.items.models import AttachmentView
from prsnl.media_processing.keeping import page
from prsnl.media_processing.video_specs import (
    ENHANCE_VIDEO,
    EnhanceOptions,
    EnhanceVideo,
)
from prsnl.wiring import read
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.llm_server import llm_server
from tests.integration.file_processing.test_documents import Desk, working

SAID = (
    (
        "Welcome to this lecture about heat pumps. A heat pump moves heat from the "
        "cold air outside into a warm house."
    ),
    (
        "The compressor raises the pressure of the refrigerant, and with the pressure "
        "its temperature. The compressor needs one unit of electricity for three of "
        "heat."
    ),
    (
        "In winter the evaporator freezes over. The installer checks the evaporator "
        "on 12 May 2025 and asks for 240.00 EUR."
    ),
)
Desks = Callable[[str | None], Desk]


@pytest.fixture(scope="module")
def desks(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desks]:
    """Makes workers on one database: with the model of an address, or without."""
    with fresh_database(stack) as database_url, ExitStack() as opened:
        broker_url = fresh_broker(stack)

        def made(base_url: str | None) -> Desk:
            wiring = wired(database_url, broker_url, tmp_path_factory.mktemp("d"))
            if base_url is not None:
                llm = Llm(
                    llm_provider="compatible",
                    llm_base_url=base_url,
                    llm_model="fake-large",
                    llm_timeout_s=timedelta(seconds=5),
                )
                wiring = read(replace(wiring.settings, llm=llm))
            return opened.enter_context(contextmanager(working)(wiring))

        yield made


def transcribed(
    desk: Desk, *, quality: Quality = Quality.FULL, said: tuple[str, ...] = SAID
) -> AttachmentView:
    """A recording with a transcript of these segments, ten seconds each."""
    file = desk.put("lecture.mp4", uuid4().bytes)
    segments = [
        Segment(
            number=number,
            from_s=10.0 * (number - 1),
            to_s=10.0 * number,
            status=SegmentStatus.OK,
            phrases=(
                Phrase(from_s=10.0 * (number - 1), to_s=10.0 * number, text=text),
            ),
            engine="a test",
            quality=quality,
            language="en",
            milliseconds=1.0,
        )
        for number, text in enumerate(said, start=1)
    ]
    units = {
        one.number: Unit(number=one.number, from_s=one.from_s, to_s=one.to_s)
        for one in segments
    }

    def keep(connection: Db) -> None:
        found = Activity(duration_s=30.0, speech_s=30.0, units=tuple(units.values()))
        transcripts.save_activity(connection, file.id, found)
        transcripts.save_segments(connection, file.id, segments, units)
        store.save_pages(connection, file.id, [page(one) for one in segments])

    desk.database.run(keep)
    return file


def enhanced(desk: Desk, file: AttachmentView, **options: Any) -> TaskView:
    command = EnhanceVideo(
        file_id=file.id, options=EnhanceOptions.model_validate(options)
    )
    return desk.run(
        submission(ENHANCE_VIDEO, command, owner="ada", attachment_id=file.id)
    )


def test_without_a_model_a_recording_speaks_for_itself(desks: Desks) -> None:
    """Nothing is in words of our own, and each has the time at which it is said."""
    desk = desks(None)
    file = transcribed(desk)

    task = enhanced(desk, file)

    assert task.status is Status.SUCCESS, task.error
    told = task.result
    assert told is not None
    assert (told["summary"], told["model"], told["needs"]) == (None, None, "llm")
    whole = " ".join(SAID)
    assert told["insights"]
    for one in told["insights"]:
        assert one["kind"] == "key_sentence"
        assert one["text"] in whole
        assert one["times_s"][0] in {0.0, 10.0, 20.0}
    times = {one["name"]: one["times_s"] for one in told["topics"]}
    assert any("compressor" in name and at == [10.0] for name, at in times.items())
    assert told["tags"]
    kept = desk.database.run(
        lambda connection: store.attachment(connection, file.id, owner="ada")
    )
    assert kept.media is not None
    assert len(kept.media["lessons"]["lessons"]) == len(told["insights"])

    draft = enhanced(desk, transcribed(desk, quality=Quality.DRAFT))
    assert draft.status is Status.FAILURE
    assert draft.error is not None
    assert "use_draft" in draft.error["message"]
    used = enhanced(desk, transcribed(desk, quality=Quality.DRAFT), use_draft=True)
    assert used.result is not None
    assert used.result["is_draft"]
    silent = enhanced(desk, transcribed(desk, said=()))
    assert silent.error is not None
    assert "no transcript" in silent.error["message"]


def test_a_model_tells_it_in_its_words_with_the_times_of_its_sources(
    desks: Desks,
) -> None:
    with llm_server() as server:
        desk = desks(server.base_url)

        task = enhanced(desk, transcribed(desk))
        asked = server.count("chat")

    assert task.status is Status.SUCCESS, task.error
    told = task.result
    assert told is not None
    assert told["model"].endswith("/fake-large")
    assert told["summary"]
    assert told["insights"]
    assert all(one["kind"] != "key_sentence" for one in told["insights"])
    assert {at for one in told["insights"] for at in one["times_s"]} <= {0, 10, 20}
    assert asked >= 2
