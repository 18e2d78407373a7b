"""From a stored recording to its transcript: real children, a real database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from prsnl.core.errors import TooManyTasksError
from prsnl.core.settings.engines import Llm, Speech
from prsnl.embedded.stack import StackUrls
from prsnl.engines.reach import Reach
from prsnl.engines.speech.contract import NOT_TRANSCRIBED
from prsnl.items import egress, store, transcripts
from prsnl.items.models import AttachmentView
from prsnl.items.transcripts import SegmentView, TranscriptView
from prsnl.media_processing.again import Drafts, drafts, submit_drafts
from prsnl.media_processing.captions import DRAFT_BANNER
from prsnl.media_processing.service import AudioProcessor
from prsnl.media_processing.specs import (
    TRANSCRIBE_AUDIO,
    TranscribeAudio,
    TranscriptionOptions,
    TranscriptRerun,
)
from prsnl.work import caps
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes import tiny_whisper
from tests.fakes.llm_server import (
    Act,
    Cuts,
    Fails,
    LlmServer,
    Sends,
    llm_server,
    unauthorized,
)
from tests.fakes.recordings import sound, tone
from tests.fakes.voices import MAN, WOMAN, Sound, Voice, hiss, silence, wav
from tests.integration.file_processing.test_documents import Desk, working


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process, with a speech model of chance."""
    with fresh_database(stack) as database_url:
        data_dir = tmp_path_factory.mktemp("d")
        tiny_whisper.make(data_dir / "models" / "tiny")
        yield from working(wired(database_url, fresh_broker(stack), data_dir))


@pytest.fixture(scope="module")
def server() -> Iterator[LlmServer]:
    with llm_server() as made:
        yield made


@pytest.fixture
def talking(server: LlmServer) -> Iterator[LlmServer]:
    """The server, as if nobody had asked it before."""
    server.calls.clear()
    server.connections = 0
    yield server
    server.always(None)


def hearing(desk: Desk, server: LlmServer | None, **speech: object) -> Iterator[Desk]:
    """The same worker with other settings of speech."""
    own = Speech.model_validate(
        {"speech_base_url": server and server.base_url, **speech}
    )
    llm = Llm(llm_timeout_s=5)  # type: ignore[arg-type] - a bare number is seconds
    settings = replace(desk.wiring.settings, speech=own, llm=llm)
    yield from working(replace(desk.wiring, settings=settings))


def put(desk: Desk, folder: Path, *channels: Sound) -> AttachmentView:
    path = wav(folder / "talk.wav", *channels)
    return desk.put("talk.wav", path.read_bytes())


def transcribed(
    desk: Desk,
    file: AttachmentView,
    *,
    again: str | None = None,
    rerun: TranscriptRerun | None = None,
    **options: object,
) -> TaskView:
    command = TranscribeAudio(
        file_id=file.id,
        options=TranscriptionOptions.model_validate(options),
        again=again,
        rerun=rerun,
    )
    return desk.run(
        submission(TRANSCRIBE_AUDIO, command, owner="ada", attachment_id=file.id)
    )


def segments(desk: Desk, file: AttachmentView) -> list[SegmentView]:
    return desk.database.run(
        lambda connection: transcripts.segments(connection, file.id, owner="ada")
    )


def transcript(desk: Desk, file: AttachmentView) -> TranscriptView:
    return desk.database.run(
        lambda connection: transcripts.transcript(connection, file.id, owner="ada")
    )


def text(desk: Desk, file: AttachmentView) -> str:
    return desk.database.run(
        lambda connection: store.text(connection, file.id, owner="ada")
    )


def talk(*voices: Voice, seconds: float = 12.0, seed: int = 0) -> Sound:
    """Voices one after another, each with other syllables."""
    parts = [silence(0.5)]
    for number, voice in enumerate(voices):
        parts += [voice.says(seconds, seed=seed + number), silence(0.6)]
    return np.concatenate(parts)


def test_a_recording_is_a_ledger_of_segments_and_one_can_be_done_again(
    desk: Desk, tmp_path: Path
) -> None:
    file = put(desk, tmp_path, talk(MAN, WOMAN, MAN, WOMAN, MAN, WOMAN))

    task = transcribed(desk, file, language="en")

    assert task.status is Status.SUCCESS, task.error
    assert (task.current, task.percentage) == (task.total, 100.0)
    made = segments(desk, file)
    assert [one.number for one in made] == [1, 2, 3]
    assert all(one.status == "ok" and one.quality == "full" for one in made)
    assert all(one.to_s - one.from_s <= 29.6 for one in made)
    words = [word for one in made for part in one.phrases for word in part["words"]]
    assert [word["from_s"] for word in words] == sorted(w["from_s"] for w in words)
    assert task.total is not None
    assert task.total > sum(one.to_s - one.from_s for one in made) - 2, "in seconds"
    told = transcript(desk, file)
    assert (told.quality, told.language, told.speakers) == ("full", "en", None)
    assert " ".join(one.text for one in made).split() == text(desk, file).split()

    again = transcribed(desk, file, language="en")
    part = transcribed(
        desk,
        file,
        language="en",
        rerun=TranscriptRerun(from_s=30.0, to_s=40.0, run=1),
    )

    assert {"probe", "voice activity", "transcribe"} <= desk.found_stages(again)
    assert part.status is Status.SUCCESS, part.error
    assert [one.run for one in segments(desk, file)] == [0, 1, 0]


def test_a_part_alone_is_transcribed_where_that_is_asked_for(
    desk: Desk, tmp_path: Path
) -> None:
    file = put(desk, tmp_path, talk(WOMAN, MAN, WOMAN, MAN, seed=20))

    task = transcribed(desk, file, **{"from": 30, "to": 45, "language": "en"})

    assert task.status is Status.SUCCESS, task.error
    assert [one.number for one in segments(desk, file)] == [2]


def test_speakers_are_told_apart_after_the_words_are_kept(
    desk: Desk, tmp_path: Path
) -> None:
    file = put(desk, tmp_path, talk(MAN, WOMAN, MAN, seconds=7, seed=40))

    task = transcribed(desk, file, enable_diarization=True, language="en")

    assert task.status is Status.SUCCESS, task.error
    assert task.result is not None
    assert task.result["speakers"] == ["Speaker 1", "Speaker 2"]
    assert transcript(desk, file).speakers == ["Speaker 1", "Speaker 2"]
    order = desk.database.run(
        lambda connection: connection.execute(
            "select stage from task_stages where task_id = %s "
            "and stage in ('transcript', 'speakers') order by committed_at",
            [task.task_id],
        ).fetchall()
    )
    assert [row["stage"] for row in order] == ["transcript", "speakers"]
    parts = [part for one in segments(desk, file) for part in one.phrases]
    assert {part["speaker"] for part in parts} <= {"Speaker 1", "Speaker 2"}
    assert all(part["speaker"] for part in parts)


def test_channels_with_a_person_each_are_kept_apart(desk: Desk, tmp_path: Path) -> None:
    man = np.concatenate([MAN.says(6, seed=60), silence(7)])
    woman = np.concatenate([silence(7), WOMAN.says(6, seed=61)])
    file = put(desk, tmp_path, man, woman)

    task = transcribed(desk, file, enable_diarization=True, language="en")

    assert task.status is Status.SUCCESS, task.error
    assert [(one.channel, one.speaker) for one in segments(desk, file)] == [
        (0, "Speaker 1"),
        (1, "Speaker 2"),
    ]


def test_silence_and_noise_yield_no_words(desk: Desk, tmp_path: Path) -> None:
    file = put(desk, tmp_path, np.concatenate([silence(4), hiss(4)]))

    task = transcribed(desk, file)

    assert task.status is Status.SUCCESS, task.error
    assert task.result is not None
    assert (task.result["words"], task.result["quality"]) == (0, None)
    assert task.warnings == ("Nobody speaks in this recording.",)
    assert text(desk, file) == ""


def test_a_recording_that_is_cut_off_says_where_its_sound_ends(
    desk: Desk, tmp_path: Path
) -> None:
    whole = sound(tmp_path / "whole.flac", [tone(20.0)], codec="flac").read_bytes()
    file = desk.put("cut.flac", whole[: len(whole) // 2])

    task = transcribed(desk, file)

    assert task.status == "success"
    assert "says that it is 20 s long; its sound ends at" in task.warnings[0]


def test_a_draft_says_so_and_nothing_is_derived_from_it(
    desk: Desk, tmp_path: Path
) -> None:
    """Without a model the draft engine hears; German is not its language."""
    file = put(desk, tmp_path, talk(MAN, seconds=5, seed=70))

    for drafting in without_model(desk):
        german = transcribed(drafting, file, language="de")
        draft = transcribed(drafting, file, language="en")

    assert german.status is Status.SUCCESS, german.error
    assert german.result is not None
    assert (german.result["words"], german.result["not_transcribed"]) == (0, [1])
    assert draft.result is not None
    assert draft.result["quality"] == "draft"
    assert draft.result["banner"] == DRAFT_BANNER
    assert DRAFT_BANNER in draft.warnings
    stages = {
        row["stage"]
        for row in desk.database.run(
            lambda connection: connection.execute(
                "select stage from task_stages where task_id = %s", [draft.task_id]
            ).fetchall()
        )
    }
    assert "transcript" in stages
    assert not stages & {"analyze", "summarize", "embed", "chunk"}
    assert NOT_TRANSCRIBED not in text(desk, file)
    assert redone(desk, file) == "full", "one action runs the drafts again"


def redone(desk: Desk, file: AttachmentView) -> str | None:
    """The quality of a draft's transcript after all drafts were run again."""
    told = desk.database.run(lambda connection: drafts(connection, owner="ada"))
    assert told.files == (file.id,)
    assert told.takes_s is not None
    assert told.message.startswith("1 draft with 0:05 of speech can be run again; ")
    others = desk.database.run(lambda connection: drafts(connection, owner="bob"))
    assert others.files == ()
    made = desk.database.run(
        lambda connection: submit_drafts(connection, owner="ada", key="once")
    )
    (task_id,) = made.submitted
    desk.runner.execute(task_id)
    left = desk.database.run(lambda connection: drafts(connection, owner="ada"))
    assert left.message == "No transcript is a draft."
    return transcript(desk, file).quality


def without_model(desk: Desk) -> Iterator[Desk]:
    """The same worker on a machine that has no speech model."""
    models = desk.wiring.settings.storage.folder / "models"
    away = models.rename(models.with_name("models-away"))
    try:
        yield from working(desk.wiring)
    finally:
        away.rename(models)


def test_a_missing_model_names_the_setting(desk: Desk, tmp_path: Path) -> None:
    file = put(desk, tmp_path, talk(MAN, seconds=3, seed=80))

    for other in hearing(desk, None, speech_model="large-v3"):
        task = transcribed(other, file)

    assert task.status is Status.FAILURE
    assert task.error is not None
    assert task.error["code"] == "settings"
    assert "PRSNL_SPEECH_MODEL" in task.error["message"]
    assert "./prsnl models get speech" in task.error["message"]


def test_a_server_elsewhere_hears_segment_by_segment(
    desk: Desk, talking: LlmServer, tmp_path: Path
) -> None:
    file = put(desk, tmp_path, talk(MAN, WOMAN, MAN, seed=90))

    for other in hearing(desk, talking, speech_order="cloud"):
        task = transcribed(other, file, analyze_content=False)

    assert task.status is Status.SUCCESS, task.error
    made = segments(desk, file)
    assert talking.count("transcriptions") == len(made) == 2
    assert made[1].phrases[0]["from_s"] >= made[1].from_s > 20
    assert made[0].engine.endswith("/whisper-1")
    assert made[0].language == "en"
    receipt = desk.database.run(
        lambda connection: egress.receipt(connection, file.item_id, owner="ada")
    )
    assert receipt.recipients[0].stages == ["transcribe"]
    assert receipt.recipients[0].sent_bytes >= 32_000 * 36


def test_the_other_engine_goes_on_where_the_first_fails(
    desk: Desk, talking: LlmServer, tmp_path: Path
) -> None:
    """Cloud first, then this machine."""
    file = put(desk, tmp_path, talk(WOMAN, MAN, WOMAN, seed=100))
    talking.always(Fails(500))

    for other in hearing(desk, talking, speech_order="cloud,local"):
        task = transcribed(other, file, language="en", analyze_content=False)

    assert task.status is Status.SUCCESS, task.error
    made = segments(desk, file)
    assert all(one.engine.startswith("faster-whisper") for one in made)
    assert any("faster-whisper went on" in one for one in task.warnings)


def test_the_cloud_goes_on_where_this_machine_is_too_slow(
    desk: Desk, talking: LlmServer, tmp_path: Path
) -> None:
    """Local first: what it did in the time that it had is kept."""
    file = put(desk, tmp_path, talk(*[MAN, WOMAN] * 5, seed=110))

    for other in hearing(
        desk, talking, speech_order="local,cloud", speech_patience=0.000_01
    ):
        task = transcribed(other, file, language="en", analyze_content=False)
        again = transcribed(other, file, language="en", analyze_content=False)

    assert task.status is Status.SUCCESS, task.error
    engines = [one.engine.startswith("faster-whisper") for one in segments(desk, file)]
    assert engines == sorted(engines, reverse=True)
    assert 0 < sum(engines) < len(engines)
    asked = talking.count("transcriptions")
    assert asked == len(engines) - sum(engines)
    assert again.status is Status.SUCCESS
    assert talking.count("transcriptions") == asked, "what is done is found"


def test_a_machine_without_its_model_asks_the_cloud(
    desk: Desk, talking: LlmServer, tmp_path: Path
) -> None:
    file = put(desk, tmp_path, talk(MAN, seconds=4, seed=130))

    for other in hearing(
        desk, talking, speech_order="local,cloud", speech_model="absent"
    ):
        task = transcribed(other, file, analyze_content=False)

    assert task.status is Status.SUCCESS, task.error
    assert talking.count("transcriptions") == 1
    assert any("PRSNL_SPEECH_MODEL" in one for one in task.warnings)


def far_away(desk: Desk) -> Desk:
    """The same worker, to which the server is in the cloud."""
    services = desk.runner.services
    processor = services.get(AudioProcessor)
    ear = processor.transcriber.cloud
    assert ear is not None
    far = replace(ear, endpoint=replace(ear.endpoint, reach=Reach.CLOUD))
    transcriber = replace(processor.transcriber, cloud=far)
    moved = replace(processor, transcriber=transcriber)
    by_type = {**services.by_type, AudioProcessor: moved}
    runner = replace(desk.runner, services=replace(services, by_type=by_type))
    return replace(desk, runner=runner)


@pytest.mark.parametrize("name", ["privacy_mode", "local_only"])
def test_nothing_leaves_in_privacy_mode(
    desk: Desk, talking: LlmServer, tmp_path: Path, name: str
) -> None:
    """Not one connection: neither as the first choice nor as the way out."""
    file = put(desk, tmp_path, talk(WOMAN, seconds=4, seed=140 + len(name)))

    for other in hearing(desk, talking, speech_order="cloud,local"):
        task = transcribed(far_away(other), file, analyze_content=False, **{name: True})
    for other in hearing(desk, talking, speech_order="cloud"):
        refused = transcribed(
            far_away(other), file, again="anew", analyze_content=False, **{name: True}
        )

    assert task.status is Status.SUCCESS, task.error
    assert refused.status is Status.FAILURE
    assert refused.error is not None
    assert refused.error["code"] == "local_only"
    assert talking.connections == 0


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (unauthorized(), "provider_rejected: PRSNL_SPEECH_API_KEY"),
        (Sends(b"<html>"), "provider_failed:"),
        (Cuts(0.5), "provider_silent:"),
    ],
    ids=["key", "html", "cut"],
)
def test_a_server_that_fails_is_told_as_such(
    desk: Desk, talking: LlmServer, tmp_path: Path, act: Act, told: str
) -> None:
    file = put(desk, tmp_path, talk(MAN, seconds=3, seed=150 + len(told)))
    talking.always(act)

    for other in hearing(desk, talking, speech_order="cloud"):
        task = transcribed(other, file, analyze_content=False)

    row = desk.database.run(
        lambda connection: connection.execute(
            "select error_code, error_message from celery_task_results "
            "where task_id = %s order by claim_no limit 1",
            [task.task_id],
        ).fetchone()
    )
    assert row is not None
    code, _, says = told.partition(":")
    assert row["error_code"] == code
    assert says.strip() in row["error_message"]


def test_no_more_drafts_are_heard_again_at_once_than_may_wait(desk: Desk) -> None:
    """The answer says how many are left; they are drafts still."""
    owner = "somebody with many drafts"
    for number in range(3):
        file = desk.put(f"draft {number}.wav", f"draft {number}".encode(), owner)
        desk.database.run(
            lambda connection, one=file: connection.execute(
                "insert into transcripts (attachment_id, duration_s, speech_s, "
                "segments, quality) values (%s, 30, 20, 1, 'draft')",
                [one.id],
            )
        )

    def again() -> Drafts:
        return desk.database.run(
            lambda connection: submit_drafts(connection, owner=owner, key=None)
        )

    desk.database.run(partial(caps.write, caps=Caps(queued={EACH_OWNER: 2})))
    try:
        some = again()
        with pytest.raises(TooManyTasksError, match="2 tasks waiting"):
            again()
    finally:
        desk.database.run(partial(caps.write, caps=caps.NONE))
    rest = again()

    assert len(some.submitted) == 2
    assert some.message.startswith("2 of 3 drafts with 1:00 of speech are queued again")
    assert some.message.endswith("Ask again for the others when some have ended.")
    assert len(rest.submitted) == 1
    assert rest.message.startswith("1 draft with 0:20 of speech is queued again")
