"""The engine against a real server on this machine: the real SDK, real sockets."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from prsnl.core.errors import (
    Category,
    LocalOnlyError,
    ModelRefusedError,
    ProviderDownError,
    ProviderFailedError,
    ProviderRejectedError,
    ProviderSilentError,
    ProviderUnreachableError,
    PrsnlError,
    TooLongForModelError,
    TooManyRequestsError,
)
from prsnl.engines.llm.contract import (
    ChatRequest,
    Form,
    LlmEngine,
    Message,
    NotKnownError,
)
from prsnl.engines.llm.openai import OpenAi
from prsnl.engines.llm.rates import RateLimits
from prsnl.engines.llm.table import Access, LazyEngine
from prsnl.engines.permit import Permit, permitted
from prsnl.engines.reach import Reach
from tests.fakes.llm_server import (
    Act,
    Cuts,
    Fails,
    Hangs,
    LlmServer,
    Refuses,
    Says,
    Sends,
    Slow,
    Truncates,
    filtered,
    llm_server,
    no_such_model,
    out_of_quota,
    rate_limited,
    too_long,
    unauthorized,
)

Make: TypeAlias = Callable[..., OpenAi]
SCHEMA = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
TEXT = "<document 1>\nThe kettle boils at 100 degrees. It is red.\n</document 1>"
QUESTION = ChatRequest(
    model="fake-large",
    messages=(Message("system", "Summarise."), Message("user", TEXT)),
    schema=SCHEMA,
    schema_name="summary",
    answer_tokens=200,
)


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server() as running:
        yield running


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """Closes the engines of a test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def engine(server: LlmServer, opened: ExitStack) -> Make:
    """Makes an engine for the server, as for OpenAI's."""

    def made(**how: Any) -> OpenAi:
        usual: dict[str, Any] = {
            "provider": "openai",
            "base_url": server.base_url,
            "key": lambda: "a-key",
            "timeout_s": 10.0,
        }
        return opened.enter_context(closing(OpenAi(Access(**(usual | how)))))

    return made


@pytest.fixture
def azure(server: LlmServer, engine: Make) -> Make:
    """Makes an engine for the server, as for Azure's."""
    return partial(
        engine, provider="azure", base_url=server.url, api_version="2024-10-21"
    )


def ask(asked: LlmEngine, *, request: ChatRequest = QUESTION) -> str:
    with permitted(Permit(Reach.LOCAL)):
        return asked.chat(request, key="task/stage/1").text


def test_a_model_answers_in_the_shape_that_is_asked_for(
    server: LlmServer, engine: Make
) -> None:
    server.key = "a-key"

    assert ask(engine()) == '{"summary": "The kettle boils at 100 degrees."}'
    (call,) = server.calls
    assert call.headers["idempotency-key"] == "task/stage/1"
    assert call.body["response_format"]["json_schema"]["strict"] is True
    assert call.body["max_completion_tokens"] == 200


def test_what_is_counted_and_what_is_left_is_told(
    server: LlmServer, engine: Make
) -> None:
    """The limits that all workers share are fed with the provider's own figures."""
    server.headers = {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "1m2.5s",
        "x-ratelimit-remaining-tokens": "149000",
        "x-ratelimit-reset-tokens": "20ms",
    }

    with permitted(Permit(Reach.LOCAL)):
        counted = engine().chat(QUESTION, key="").counted

    assert counted.tokens_in
    assert counted.tokens_out
    assert counted.model == "fake-large"
    assert counted.limits == RateLimits(
        requests_limit=60,
        requests_left=59,
        requests_reset_s=62.5,
        tokens_left=149_000,
        tokens_reset_s=0.02,
    )


@pytest.mark.parametrize("has_token", [False, True])
def test_azure_is_asked_by_deployment_and_version(
    server: LlmServer,
    azure: Make,
    has_token: bool,  # noqa: FBT001 - pytest gives it
) -> None:
    server.key = "a-key"

    assert "kettle" in ask(azure(has_token=has_token))
    (call,) = server.calls
    assert call.path == (
        "/openai/deployments/fake-large/chat/completions?api-version=2024-10-21"
    )
    assert ("authorization" in call.headers) is has_token
    assert ("api-key" in call.headers) is not has_token


FAILURES: list[tuple[Act, type[PrsnlError], float | None]] = [
    (rate_limited(), TooManyRequestsError, None),
    (rate_limited("2"), TooManyRequestsError, 2.0),
    (rate_limited(retry_after_ms="1500"), TooManyRequestsError, 1.5),
    (
        rate_limited(
            x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="6m0s"
        ),
        TooManyRequestsError,
        360.0,
    ),
    (out_of_quota(), ProviderDownError, None),
    (Fails(408), ProviderFailedError, None),
    (Fails(500), ProviderFailedError, None),
    (Fails(503, headers={"retry-after": "7"}), ProviderFailedError, 7.0),
    (Cuts(0.5), ProviderSilentError, None),
    (Cuts(0), ProviderSilentError, None),
    (Sends(b"{"), ProviderFailedError, None),
    (Sends(b"[]"), ProviderFailedError, None),
    (Sends(b'{"choices": []}'), ProviderFailedError, None),
    (Sends(b"<html>", "text/html"), ProviderFailedError, None),
    (filtered(), ModelRefusedError, None),
    (too_long(), TooLongForModelError, None),
    (Fails(413), TooLongForModelError, None),
    (unauthorized(), ProviderRejectedError, None),
    (Fails(403), ProviderRejectedError, None),
    (no_such_model(), ProviderRejectedError, None),
    (Fails(400), ProviderRejectedError, None),
    (Fails(307, headers={"location": "/v1/elsewhere"}), ProviderRejectedError, None),
]


@pytest.mark.parametrize(("act", "kind", "wait_s"), FAILURES)
def test_each_failure_is_an_error_of_ours_after_one_request(
    server: LlmServer,
    engine: Make,
    act: Act,
    kind: type[PrsnlError],
    wait_s: float | None,
) -> None:
    """The SDK's own retries would spend what no limit of ours knows of."""
    server.script(act)

    with pytest.raises(kind) as caught:
        ask(engine())

    assert type(caught.value) is kind
    assert caught.value.retry_after_s == wait_s
    assert len(server.calls) == 1
    told = caught.value.message
    assert told.endswith(".")
    assert "a-key" not in told
    assert "kettle" not in told


def test_a_date_to_wait_for_is_so_many_seconds(server: LlmServer, engine: Make) -> None:
    server.script(rate_limited(formatdate(time.time() + 90, usegmt=True)))

    with pytest.raises(TooManyRequestsError) as caught:
        ask(engine())

    assert caught.value.retry_after_s == pytest.approx(90, abs=5)


def test_a_hang_ends_with_its_time(server: LlmServer, engine: Make) -> None:
    server.script(Hangs())

    with pytest.raises(ProviderSilentError, match="did not answer within"):
        ask(engine(timeout_s=0.3))

    assert len(server.calls) == 1


def test_a_provider_that_nobody_listens_for_is_down(
    server: LlmServer, engine: Make
) -> None:
    asked = engine()
    ask(asked)
    server.go()

    with pytest.raises(ProviderUnreachableError) as caught:
        ask(asked)
    assert caught.value.category is Category.PROVIDER_DOWN
    assert caught.value.provider == "openai"

    server.come()
    assert "kettle" in ask(asked)


def test_half_an_answer_is_told_as_cut(server: LlmServer, engine: Make) -> None:
    server.script(Truncates())

    with permitted(Permit(Reach.LOCAL)):
        assert engine().chat(QUESTION, key="").is_cut


@pytest.mark.parametrize("act", [Refuses(), Says("", "content_filter")])
def test_a_refusal_is_an_answer_that_is_counted(
    server: LlmServer, engine: Make, act: Act
) -> None:
    server.script(act)

    with permitted(Permit(Reach.LOCAL)):
        answer = engine().chat(QUESTION, key="")

    assert answer.is_refusal
    assert answer.counted.tokens_in


def test_calling_a_request_back_ends_that_one_alone(
    server: LlmServer, engine: Make
) -> None:
    """A cancelled task leaves within seconds; its neighbours' calls go on."""
    asked = engine(timeout_s=30)
    server.script(Hangs(), Slow(1.0))
    told: list[float] = []

    def hang() -> None:
        began = time.monotonic()
        permit = Permit(Reach.LOCAL)
        threading.Timer(0.3, permit.call_back).start()
        with permitted(permit), pytest.raises(ProviderSilentError):
            asked.chat(QUESTION, key="")
        told.append(time.monotonic() - began)

    waiting = threading.Thread(target=hang)
    waiting.start()
    while not server.calls:
        time.sleep(0.01)
    assert "kettle" in ask(asked)
    waiting.join(10)

    assert told
    assert told[0] < 5
    assert len(server.calls) == 2


def test_threads_share_an_engine_and_keep_their_connections(
    server: LlmServer,
    engine: Make,
) -> None:
    asked = engine()
    server.latency_s = 0.05

    def some() -> None:
        for _ in range(3):
            ask(asked)

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert len(server.calls) == 12
    assert server.most_at_once == 4
    assert server.connections <= 4


def test_a_server_without_schemas_is_asked_in_the_next_form(
    server: LlmServer, engine: Make
) -> None:
    """What it does not know is learned once for a model, not with every question."""
    server.takes_schemas = False
    server.takes_json_mode = False
    asked = engine()
    forms = []
    for _ in range(2):
        wanted = replace(QUESTION, form=asked.form("fake-large"))
        with pytest.raises(NotKnownError) as caught:
            ask(asked, request=wanted)
        assert asked.learn("fake-large", caught.value)
        forms.append(asked.form("fake-large"))

    assert forms == [Form.JSON, Form.PLAIN]
    assert "kettle" in ask(asked, request=replace(QUESTION, form=Form.PLAIN))
    # Another thread that meets the same refusal late takes no form away.
    assert asked.learn("fake-large", caught.value)
    assert asked.form("fake-large") is Form.PLAIN
    assert not asked.learn("fake-large", NotKnownError("", parameter="response_format"))
    assert asked.form("another") is Form.SCHEMA


@pytest.mark.parametrize(
    ("message", "parameter"),
    [
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.",
            "max_tokens",
        ),
        ("Unsupported value: 'temperature' does not support 0.", "temperature"),
        (
            "Unrecognized request argument: max_completion_tokens",
            "max_completion_tokens",
        ),
        ("This response_format type is unavailable now", "response_format"),
    ],
)
def test_a_parameter_that_a_server_does_not_know_is_named(
    server: LlmServer, engine: Make, message: str, parameter: str
) -> None:
    server.script(Fails(400, message, kind="invalid_request_error"))

    with pytest.raises(NotKnownError) as caught:
        ask(engine())

    assert caught.value.parameter == parameter


def test_nothing_is_sent_without_a_permit(server: LlmServer, engine: Make) -> None:
    with pytest.raises(LocalOnlyError):
        engine().chat(QUESTION, key="")

    assert server.connections == 0


def test_what_is_to_stay_here_goes_through_no_proxy(
    engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is the interface that is tested: hence the patch."""
    with llm_server() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)

        assert "kettle" in ask(engine())
        assert proxy.connections == 0


def test_the_machine_is_not_described_to_the_provider(
    server: LlmServer, engine: Make
) -> None:
    ask(engine())

    told = {name.removeprefix("x-stainless-") for name in server.calls[0].headers}
    assert not told & {"os", "arch", "lang", "runtime", "runtime-version"}


def test_embeddings_come_in_the_order_of_the_texts(
    server: LlmServer, engine: Make
) -> None:
    with permitted(Permit(Reach.LOCAL)):
        answer = engine().embed(
            ["red kettle", "blue sky"], model="e", key="", dimensions=32
        )

    assert [len(vector) for vector in answer.vectors] == [32, 32]
    assert server.texts_embedded == ["red kettle", "blue sky"]
    assert answer.counted.tokens_in
    assert answer.vectors[0] != answer.vectors[1]


def test_a_recording_is_written_down_with_its_words(
    server: LlmServer, azure: Make
) -> None:
    with permitted(Permit(Reach.LOCAL)):
        told = (
            azure()
            .transcribe(
                bytes(32_000), file_name="audio.wav", model="w", key="", language="en"
            )
            .told
        )

    assert told["segments"][0]["text"].strip() == "A recording of 2.0 seconds."
    assert [word["word"] for word in told["words"]][:2] == ["A", "recording"]
    assert server.calls[0].body["language"] == ["en"]


def test_an_engine_is_made_when_it_is_asked_for(server: LlmServer) -> None:
    access = Access(provider="compatible", base_url=server.base_url)
    lazy = LazyEngine(access)

    assert isinstance(lazy.get(), OpenAi)
    assert lazy.get() is lazy.get()
    lazy.close()


def test_a_unix_socket_is_asked_like_any_other(tmp_path: Path, engine: Make) -> None:
    path = tmp_path / "model"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def refuse() -> None:
            caller, _ = listener.accept()
            with caller:
                caller.recv(100_000)
                caller.sendall(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")

        answering = threading.Thread(target=refuse)
        answering.start()
        with pytest.raises(ProviderFailedError, match="503"):
            ask(engine(provider="compatible", base_url=f"unix:{path}"))
        answering.join(10)
