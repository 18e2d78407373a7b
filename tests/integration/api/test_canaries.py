"""A sentence of a document and every secret are told to nobody, whatever fails.

The house has an API and a worker, a model and an ear that repeat in every error what
they were sent, and a receiver of webhooks that wants none. What is said is gathered:
log lines, answers, metrics, rows. A row may hold a text where texts belong.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import numpy as np
import pytest
from psycopg.sql import SQL, Identifier
from pydantic import SecretStr
from structlog.contextvars import merge_contextvars
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from prsnl.client import Client
from prsnl.core.settings import service as settings_of
from prsnl.core.settings.engines import Llm, Speech
from prsnl.embedded.stack import StackUrls
from prsnl.webhooks import gathering
from prsnl.wiring import read
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.llm_answers import Said
from tests.fakes.llm_server import (
    Act,
    Cuts,
    Fails,
    LlmServer,
    Says,
    Sends,
    llm_server,
)
from tests.fakes.receiver import Receiver, receiving
from tests.fakes.recordings import sound, tone
from tests.fakes.voices import MAN, silence, wav
from tests.integration.api.conftest import Server, api_over
from tests.integration.file_processing.test_documents import Desk, working

#: One word of the sentence is enough to have told it.
WORD = "Quittengeleekanzler"
SENTENCE = f"The patient {WORD} was told on Monday that the rent is 940.00 EUR."
SPOKEN = "Zwetschkenminister"
TITLED = "Powidlgeneral"
MODEL = "the model's key"
KEYS = {
    MODEL: "sk-canary-model-4711aa",
    "the ear's key": "sk-canary-ear-4712bb",
    "the webhook's secret": "canary-signs-4713cc-of-the-hook",
    "the webhook's address": "canary-token-4714dd",
}
#: One for each way in which an ear fails.
LANGUAGES = ("de", "fr", "es", "it", "nl", "pt", "pl", "sv", "da", "fi")
#: Where each may stand; a text also in what is made of texts.
PLACES: Mapping[str, frozenset[str]] = {
    "the webhook's secret": frozenset({"webhooks.secret"}),
    "the webhook's address": frozenset({"webhooks.url"}),
}
TEXTS = frozenset(
    {
        "attachment_pages.markdown",
        "attachment_pages.raw_text",
        "attachment_pages.text",
        "attachment_transcripts.turns",
        "attachments.ai_analysis",
        "attachments.extracted_text",
        "attachments.file_name",
        "attachments.key_insights",
        "attachments.media",
        "attachments.metadata",
        "chunks.text",
        "items.entities",
        "items.key_points",
        "items.key_sentences",
        "items.keywords",
        "items.metadata",
        "items.summary",
        "items.tags",
        "items.title",
        "search_pages.words",
        "search_words.near",
        "search_words.word",
        "task_checkpoints.result",
        "tasks.command",
        "tasks.result",
        "transcript_segments.phrases",
        "transcript_segments.text",
    }
)


@dataclass(frozen=True)
class House:
    """An API and a worker on one data folder, with what they ask and tell."""

    server: Server
    desk: Desk
    model: LlmServer
    receiver: Receiver
    key: str
    client: Client
    secrets: Mapping[str, str]
    #: Every answer that is to hold none of them.
    answers: list[str] = field(default_factory=list)

    def get(self, path: str) -> str:
        """Ask, and note the answer."""
        answer = self.client._http.get(path)
        self.answers.append(answer.text)
        return answer.text

    def post(self, path: str, body: Any, *, is_noted: bool = True) -> dict[str, Any]:
        """Have something done, and note the answer."""
        answer = self.client._http.post(path, json=body)
        if is_noted:
            self.answers.append(answer.text)
        told = answer.json()
        assert isinstance(told, dict)
        return told

    def work(self) -> list[UUID]:
        """One try of all that waits."""
        rows = self.desk.database.run(
            lambda connection: connection.execute(
                "update tasks set due_at = now() where status = 'queued' returning id"
            ).fetchall()
        )
        for row in rows:
            self.desk.runner.execute(row["id"])
        return [row["id"] for row in rows]

    def tried(self, path: str, body: Any) -> str:
        """Have something tried once, and ask in every way why it failed; its state."""
        task_id = UUID(self.post(path, body)["task_id"])
        self.desk.runner.execute(task_id)
        told = self.client._http.get(f"/api/background/status/{task_id}")
        status = str(told.json()["status"])
        if status != "success":  # whose result may hold the text
            self.answers.append(told.text)
        self.get(f"/api/background/tasks/{task_id}/log")
        return status

    def leave(self) -> None:
        """Nothing of this test is tried again in the next."""
        self.model.always(None)
        self.forget_the_provider()
        self.desk.database.run(
            lambda connection: connection.execute(
                "update tasks set status = 'revoked', finished_at = now() "
                "where status in ('queued', 'parked')"
            )
        )

    def look_around(self) -> None:
        """Ask for all that tells of tasks and of the house."""
        for path in (
            "/health",
            "/ready",
            "/metrics",
            "/api/me",
            "/api/keys",
            "/api/queues",
            "/api/engines",
            "/api/usage",
            "/api/background/dead-letters",
            "/api/background/performance/overview",
            "/api/background/tasks/active",
            "/api/background/tasks?status=failure&status=dead&status=parked",
        ):
            assert self.get(path)

    def forget_the_provider(self) -> None:
        """It is as if nobody had asked it before."""
        self.desk.database.run(
            lambda connection: connection.execute(
                "truncate providers, limits, slots, spending"
            )
        )

    def rows(self) -> dict[str, set[str]]:
        """The columns that hold each canary, and the files that do."""
        found: dict[str, set[str]] = {name: set() for name in self.canaries}
        with self.desk.database.connection() as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables "
                "where table_schema = 'public' and table_type = 'BASE TABLE'"
            ).fetchall()
            for table in (row["table_name"] for row in tables):
                rows = connection.execute(
                    SQL("select to_jsonb(t) as told from {} t").format(
                        Identifier(table)
                    )
                ).fetchall()
                for row in rows:
                    for column, value in row["told"].items():
                        for name in self.canaries_in(plain(value)):
                            found[name].add(f"{table}.{column}")
        folder = self.desk.wiring.settings.storage.folder
        for path in folder.rglob("*"):
            if path.is_file():
                for name in self.canaries_in(path.read_text(errors="replace")):
                    found[name].add(str(path.relative_to(folder).parts[:2]))
        return found

    @property
    def canaries(self) -> dict[str, str]:
        """What is to be told to nobody."""
        texts = {one: one for one in (WORD, SPOKEN, TITLED)}
        return {**texts, **self.secrets}

    def canaries_in(self, text: str) -> list[str]:
        """Which of them a text holds."""
        folded = text.casefold()
        return [name for name, one in self.canaries.items() if one.casefold() in folded]

    def require_silence(self, lines: list[str]) -> None:
        """Make sure that nobody has told any of it."""
        assert lines
        assert self.answers
        told = [f"log: {line}" for line in lines if self.canaries_in(line)]
        told += [f"answer: {text}" for text in self.answers if self.canaries_in(text)]
        assert not told, told
        blobs = str(("storage", "blobs"))
        for name, places in self.rows().items():
            allowed = PLACES.get(name, frozenset())
            if name in (WORD, SPOKEN, TITLED):
                allowed = TEXTS | {blobs}
            assert places <= allowed, name


def plain(value: Any) -> str:
    """What a column holds as text; of bytes those that are letters."""
    if isinstance(value, str) and value.startswith("\\x"):
        return bytes.fromhex(value[2:]).decode(errors="replace")
    return str(value)


@pytest.fixture(scope="module")
def house(
    stack: StackUrls, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    with (
        fresh_database(stack) as database_url,
        llm_server() as model,
        receiving() as receiver,
    ):
        broker_url = fresh_broker(stack)
        usual = wired(database_url, broker_url, tmp_path_factory.mktemp("d")).settings
        settings = replace(
            usual,
            llm=Llm(
                llm_base_url=model.base_url,
                llm_model="fake-large",
                llm_api_key=SecretStr(KEYS[MODEL]),
            ),
            speech=Speech(
                speech_order="cloud",
                speech_base_url=model.base_url,
                speech_api_key=SecretStr(KEYS["the ear's key"]),
            ),
            webhooks=settings_of.Webhooks(webhook_hosts="127.0.0.1"),
        )
        wiring = read(settings)
        with (
            api_over(wiring) as server,
            contextmanager(working)(wiring) as desk,
        ):
            key = server.key("ada")
            secrets = {**KEYS, "the key of the API": key}
            for name, url in (("database", database_url), ("broker", broker_url)):
                if password := urlsplit(url).password:
                    secrets[f"the password of the {name}"] = password
            with Client(server.url, key) as client:
                yield House(server, desk, model, receiver, key, client, secrets)


@pytest.fixture
def spoken(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Every line of the log so far, the most talkative of ours among them."""
    with capture_logs(processors=[merge_contextvars, format_exc_info]) as entries:
        yield lambda: [*map(str, entries), *caplog.text.splitlines()]


def repeating(*sent: str) -> list[Act]:
    """Ways to fail that repeat what was sent wherever an answer has room for it."""
    text = " ".join(sent)
    named = {"message": text, "code": sent[-1], "kind": text}
    headers = {"retry-after": "1", "x-request-id": sent[-1]}
    answer = {"model": text, "choices": [{"message": {"content": text}}]}
    return [
        *(
            Fails(status, headers=headers, **named)  # type: ignore[arg-type]
            for status in (400, 401, 404, 413, 429, 500)
        ),
        Fails(307, headers={"location": f"http://127.0.0.1:1/?{sent[-1]}"}),
        Says(text),
        Sends(json.dumps(answer).encode()),
        Sends(f"<html>{text}</html>".encode(), "text/html"),
        Cuts(0.5),
    ]


def test_a_model_that_repeats_what_it_was_sent_is_quoted_nowhere(
    house: House, spoken: Callable[[], list[str]]
) -> None:
    said = {"title": "A note", "text": SENTENCE}
    note = house.post("/api/items", said, is_noted=False)
    house.work()
    assert "attachment_pages.text" in house.rows()[WORD], "it is where it belongs"
    asked = [
        (
            "/api/background/ai/analyze-content",
            {"content_id": note["item"]["id"]},
        ),
        (
            "/api/background/ai/process-with-llm",
            {"content": SENTENCE, "prompt_type": "summarize"},
        ),
    ]

    for act in repeating(SENTENCE, KEYS[MODEL]):
        house.model.always(act)
        for path, body in asked:
            house.forget_the_provider()
            assert house.tried(path, body) != "success"
    house.look_around()
    house.leave()

    assert house.model.count("chat") >= 2 * len(repeating(""))
    house.require_silence(spoken())


def test_a_refused_request_does_not_repeat_what_it_held(
    house: House, spoken: Callable[[], list[str]]
) -> None:
    ask = house.client._http.post
    route = "/api/background/ai/analyze-content"
    headers = {"Idempotency-Key": "once"}
    taken = ask(route, json={"content": "Else."}, headers=headers)
    refused = [
        ask(route, json={"content": SENTENCE}, headers=headers),
        ask(route, json={"content": [SENTENCE]}),
        ask(route, json={"content_id": SENTENCE}),
        ask(route, json={"content": SENTENCE, "options": SENTENCE}),
        ask(route, content=SENTENCE.encode()),
        ask("/api/items", json={"text": SENTENCE, "tags": 1}),
        ask("/api/attachments", content=SENTENCE.encode()),
        ask("/api/webhooks", json={"url": "ftp://x", "secret": KEYS["the ear's key"]}),
    ]
    house.answers.extend(answer.text for answer in refused)
    house.leave()

    assert taken.status_code == 202
    assert all(400 <= answer.status_code < 500 for answer in refused)
    house.require_silence([*spoken(), "of a refusal nothing is logged"])


def test_what_is_said_in_a_recording_and_stands_in_it_is_told_to_nobody(
    house: House, spoken: Callable[[], list[str]], tmp_path: Path
) -> None:
    """One is heard, others fail: by an ear that repeats, and by their own bytes."""
    house.model.hears = lambda _sound: [Said(0.0, 2.0, f"So spoke the {SPOKEN}.")]
    hear, look = (
        f"/api/background/media/{name}"
        for name in ("transcribe-audio", "process-video")
    )

    def put(name: str, content: bytes) -> str:
        path = tmp_path / name
        path.write_bytes(content)
        return str(house.client.upload(path, process=False).attachment.id)

    def options(language: str) -> dict[str, Any]:
        # What was heard in another language is heard anew; its parts are found.
        return {"language": language, "analyze_content": False}

    talk = wav(tmp_path / "t.wav", np.concatenate([silence(0.5), MAN.says(4.0)]))
    file_id = put("talk.wav", talk.read_bytes())
    state = house.tried(hear, {"file_id": file_id, "options": options("en")})
    assert state == "success", house.answers[-2:]
    assert "transcript_segments.text" in house.rows()[SPOKEN], "it is where it belongs"
    # To `Says` an ear has no answer: a model alone does it.
    said = repeating(SPOKEN, KEYS["the ear's key"])
    acts = [act for act in said if not isinstance(act, Says)]
    for language, act in zip(LANGUAGES, acts, strict=True):
        house.forget_the_provider()
        house.model.always(act)
        body = {"file_id": file_id, "options": options(language)}
        assert house.tried(hear, body) != "success", act
    house.leave()

    named = dict.fromkeys(("title", "artist", "comment"), TITLED)
    song = sound(tmp_path / "s.flac", [tone(1.0)], codec="flac", metadata=named)
    whole = song.read_bytes()
    for number, content in enumerate(
        (whole, whole[:400], whole[:60] + TITLED.encode() * 99)
    ):
        song_id = put(f"song {number}.flac", content)
        house.tried(look, {"file_id": song_id})
    assert "attachments.media" in house.rows()[TITLED], "it is where it belongs"
    house.look_around()
    house.leave()

    house.require_silence(spoken())


def test_a_message_that_nobody_takes_holds_and_tells_no_secret(
    house: House, spoken: Callable[[], list[str]]
) -> None:
    token, secret = KEYS["the webhook's address"], KEYS["the webhook's secret"]
    wanted = {
        "url": f"http://127.0.0.1:{house.receiver.port}/{token}?to={token}",
        "events": ["task.succeeded", "task.failed"],
        "secret": secret,
    }
    house.post("/api/webhooks", wanted, is_noted=False)
    house.receiver.answers = [500, 302, 404, 204]
    give_up_at = time.monotonic() + 60
    while len(house.receiver.got) < 4:
        assert time.monotonic() < give_up_at
        said = {"title": WORD, "text": f"{SENTENCE} {len(house.answers)}"}
        house.post("/api/items", said, is_noted=False)
        house.work()
        house.desk.database.run(gathering.gather)
        house.work()
        house.get("/health")
    listed = house.client._http.get("/api/webhooks").text
    house.look_around()
    house.leave()

    for got in house.receiver.got:
        assert house.canaries_in(f"{got.body.decode()} {got.headers}") == []
    assert secret not in listed
    assert token in listed, "its owner knows the address"
    house.require_silence(spoken())


def test_the_search_for_canaries_finds_them_where_they_are_told(house: House) -> None:
    """Else the silence of the tests above would prove nothing."""
    trouble = f"A child said: {WORD.lower()} {KEYS[MODEL]}"
    told_aloud = replace(house, answers=[f"No file called {SPOKEN.upper()}."])
    quiet = replace(house, answers=["Nothing."])
    quiet.require_silence(["a line"])

    with pytest.raises(AssertionError, match="answer"):
        told_aloud.require_silence(["a line"])
    with pytest.raises(AssertionError, match="log"):
        quiet.require_silence([f"a line about {TITLED}"])
    house.desk.database.run(
        lambda connection: connection.execute(
            "update workers set trouble = %s", [trouble]
        )
    )
    try:
        found = house.rows()
        with pytest.raises(AssertionError, match=WORD):
            quiet.require_silence(["a line"])
    finally:
        house.desk.database.run(
            lambda connection: connection.execute("update workers set trouble = null")
        )
    assert "workers.trouble" in found[WORD]
    assert "workers.trouble" in found[MODEL]
