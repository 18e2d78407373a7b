"""Bells between processes: heard, merged, and harmless when lost."""

from __future__ import annotations

from prsnl.core.db import connect
from prsnl.work.ring import Channel, Listener, ringing

_LONG_S = 30.0


def test_a_ring_wakes_who_listens(database_url: str) -> None:
    listener = Listener(database_url, Channel.DUE)
    listener.wait(0)

    with ringing(database_url) as ring:
        ring.ring(Channel.DUE)
        assert listener.wait(_LONG_S)

    listener.close()


def test_a_ring_that_came_while_nobody_waited_is_heard(database_url: str) -> None:
    """A relay that was busy with a turn looks again."""
    listener = Listener(database_url, Channel.DUE)
    listener.wait(0)

    with ringing(database_url) as ring:
        ring.ring(Channel.DUE)

    assert listener.wait(_LONG_S)
    listener.close()


def test_other_bells_wake_nobody(database_url: str) -> None:
    listener = Listener(database_url, Channel.DUE)
    listener.wait(0)

    with ringing(database_url) as ring:
        ring.ring(Channel.PROGRESS)

    assert not listener.wait(0.1)
    listener.close()


def test_a_listener_whose_connection_was_lost_listens_again(database_url: str) -> None:
    listener = Listener(database_url, Channel.DUE)
    listener.wait(0)
    with connect(database_url) as other:
        other.execute(
            "select pg_terminate_backend(pid, 30000) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )

    assert not listener.wait(0.1)
    listener.wait(0)
    with ringing(database_url) as ring:
        ring.ring(Channel.DUE)
    assert listener.wait(_LONG_S)
    listener.close()
