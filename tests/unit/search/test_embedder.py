"""A query's vector is never waited for."""

from __future__ import annotations

import base64
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

from prsnl.core.errors import ChildCrashedError
from prsnl.engines.contracts import JsonObject
from prsnl.engines.embedding.contract import MINILM
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.items.vectors import Model
from prsnl.search.embedder import IDLE, ChildEmbedder

HERE = Model(1, "local", MINILM, 3)
WAIT_S = 20.0


class Children:
    """Children that start when they are let, and crash when they are told."""

    def __init__(self) -> None:
        self.may_start = threading.Event()
        self.is_broken = False
        self.asked: list[str] = []

    @contextmanager
    def child(self, profile: str) -> Iterator[Children]:
        assert profile == "query"
        assert self.may_start.wait(WAIT_S)
        yield self

    def stream(
        self, operation: str, params: Mapping[str, Any], *, unit_timeout_s: float
    ) -> list[JsonObject]:
        assert operation == "embedding.embed"
        assert unit_timeout_s > 0
        if self.is_broken:
            raise ChildCrashedError("broken")
        self.asked += params["texts"]
        data = base64.b64encode(struct.pack("<3f", 1, 0, 0)).decode()
        return [{"model": MINILM, "dimensions": 3, "count": 1, "data": data}]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def made(children: Children, clock: Clock | None = None) -> ChildEmbedder:
    return ChildEmbedder(cast("SandboxPool", children), clock or Clock())


def started(embedder: ChildEmbedder) -> None:
    embedder.vector(HERE, "x", owner="ada")
    embedder.__exit__()


def test_a_cold_one_answers_at_once_that_it_is_starting() -> None:
    children = Children()
    with made(children) as embedder:
        assert embedder.vector(HERE, "rent", owner="ada") is None
        assert embedder.is_starting
        assert "is starting" in embedder.why_not(HERE)
        children.may_start.set()
    assert not embedder.is_starting


def test_a_warm_one_answers_and_remembers() -> None:
    children = Children()
    children.may_start.set()
    embedder = made(children)
    started(embedder)

    assert embedder.vector(HERE, "rent", owner="ada") == (1.0, 0.0, 0.0)
    assert embedder.vector(HERE, "rent", owner="ada") == (1.0, 0.0, 0.0)
    assert children.asked.count("rent") == 1


def test_one_that_was_idle_too_long_is_started_again() -> None:
    """The pool has given its child up: the next search must not wait for another."""
    children, clock = Children(), Clock()
    children.may_start.set()
    embedder = made(children, clock)
    started(embedder)
    clock.now += IDLE.total_seconds()
    children.may_start.clear()

    assert embedder.vector(HERE, "rent", owner="ada") is None
    assert embedder.is_starting
    children.may_start.set()
    embedder.__exit__()


def test_one_that_fails_is_said_and_left_alone_for_a_while() -> None:
    children, clock = Children(), Clock()
    children.may_start.set()
    children.is_broken = True
    embedder = made(children, clock)
    started(embedder)

    assert embedder.vector(HERE, "rent", owner="ada") is None
    assert not embedder.is_starting
    assert "does not answer" in embedder.why_not(HERE)
    children.is_broken = False
    clock.now += 60
    started(embedder)
    assert embedder.vector(HERE, "rent", owner="ada") is not None


def test_the_child_answers_for_no_providers_model() -> None:
    children = Children()
    elsewhere = Model(2, "openai", "text-embedding-3-small", 1536)
    embedder = made(children)

    assert embedder.vector(elsewhere, "rent", owner="ada") is None
    assert "name none of that provider" in embedder.why_not(elsewhere)
    assert not children.asked
