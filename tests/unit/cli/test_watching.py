"""What `./prsnl status --watch` reads first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from prsnl.client import Client
from prsnl.terminal import watching
from prsnl.wire.tasks import FeedEvent, GapEvent, ReadyEvent


@dataclass
class FeedClient:
    """A server's feed, and the order in which things are asked for."""

    feed: list[FeedEvent]
    order: list[str] = field(default_factory=list)

    def events(self) -> Iterator[FeedEvent]:
        """What the feed says; then the user has seen enough."""
        time.sleep(0.1)  # as a connection takes to be there
        for event in self.feed:
            self.order.append(event.event)
            yield event
        raise KeyboardInterrupt

    def overview(self, _most: int | None) -> list[str]:
        """The list of all tasks."""
        self.order.append("list")
        return []


def test_the_list_is_read_once_the_feed_is_ready(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What begins between a list and the feed would be told by neither."""
    client = FeedClient([ReadyEvent(cursor="1")])
    with pytest.raises(KeyboardInterrupt):
        watching.everything(cast(Client, client), client.overview, str)

    assert client.order == ["ready", "list"]
    assert capsys.readouterr().out.strip() == ""


def test_the_list_is_read_again_where_the_feed_has_a_gap() -> None:
    feed = [ReadyEvent(cursor="1"), GapEvent(cursor="9", message="older ones are gone")]
    client = FeedClient([*feed, ReadyEvent(cursor="9")])
    with pytest.raises(KeyboardInterrupt):
        watching.everything(cast(Client, client), client.overview, str)

    assert client.order.count("list") == 2
