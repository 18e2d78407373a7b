"""A task's question to a provider on this machine: the real gate, the real SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

# The SDK loads it at the first request: on a busy machine that takes a whole lease.
import openai.resources.chat  # noqa: F401

from prsnl.engines.llm.contract import ChatRequest, Message
from prsnl.engines.llm.openai import OpenAi
from prsnl.engines.llm.table import Access
from prsnl.engines.reach import Endpoint, Reach
from prsnl.work.outside import Answered, Gate, Outgoing
from prsnl.work.run import TaskRun
from tests.fakes.llm_server import LlmServer

MODEL = "gpt-4o-mini"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"word": {"type": "string"}},
    "required": ["word"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Asking:
    """Asks one model, as far away as the test says."""

    server: LlmServer
    gate: Gate
    engine: OpenAi
    endpoint: Endpoint

    @classmethod
    @contextmanager
    def open(
        cls, server: LlmServer, gate: Gate, *, reach: Reach = Reach.CLOUD
    ) -> Iterator[Asking]:
        """A provider that the price list knows, wherever it is said to be."""
        access = Access(
            provider="openai",
            base_url=server.base_url,
            key=lambda: "key",
            timeout_s=gate.timeout_s,
        )
        host = f"127.0.0.1:{server.port}"
        engine = OpenAi(access)
        try:
            yield cls(server, gate, engine, Endpoint("openai", host, reach, MODEL))
        finally:
            engine.close()

    def through(self, gate: Gate) -> Asking:
        """The same through another gate."""
        return replace(self, gate=gate)

    def at(self, reach: Reach) -> Asking:
        """The same, said to be somewhere else."""
        return replace(self, endpoint=replace(self.endpoint, reach=reach))

    def outgoing(
        self,
        *,
        item_ids: Sequence[UUID] = (),
        unit: int = 0,
        tokens_in: int = 100,
        tokens_out: int = 100,
    ) -> Outgoing:
        """What goes out."""
        return Outgoing(
            endpoint=self.endpoint,
            stage="ask",
            unit=unit,
            purpose="analysis",
            item_ids=item_ids,
            sent_bytes=400,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
        )

    def send(self, key: str) -> Answered[str]:
        """One request of the SDK."""
        answer = self.engine.chat(
            ChatRequest(
                model=MODEL,
                messages=[Message("user", "Say a word.")],
                schema=SCHEMA,
                schema_name="word",
                answer_tokens=100,
            ),
            key=key,
        )
        counted = answer.counted
        return Answered(
            value=answer.text,
            tokens_in=counted.tokens_in,
            tokens_out=counted.tokens_out,
            model=counted.model,
            limits=counted.limits,
        )

    def ask(self, run: TaskRun, **what: Any) -> str:
        """Ask once, for a task."""
        return self.gate.call(run, self.outgoing(**what), self.send)

    def task(self, times: int = 1, **what: Any) -> Callable[[TaskRun, Any], None]:
        """What a task does that asks so many times."""

        def work(run: TaskRun, _command: Any) -> None:
            for unit in range(times):
                self.ask(run, unit=unit, **what)

        return work
