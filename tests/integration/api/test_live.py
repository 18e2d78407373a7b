"""Progress over WebSockets and server-sent events: nothing missed, nothing twice."""

from __future__ import annotations

import json
import threading
import time
from datetime import timedelta
from uuid import UUID, uuid4

import httpx2
import pytest
from websockets.exceptions import InvalidStatus

from prsnl.core.db import connect
from prsnl.monitoring.live import ENDED, GONE
from prsnl.work.specs import Status
from tests.fakes.progress_events import step, steps, submitted
from tests.integration.api.conftest import Person, Server
from tests.integration.api.listening import (
    FEED,
    end_of,
    heard,
    heard_messages,
    is_silent,
    socket,
)

EVENTS = "/api/background/events"


@pytest.fixture
def key(server: Server, ada: Person) -> str:
    return server.key(ada.owner)


def end(server: Server, task_id: UUID) -> int:
    with server.database.connection() as connection:
        return step(connection, task_id, "Done", Status.SUCCESS)


def of(task_id: UUID) -> str:
    return f"{FEED}/{task_id}"


def test_an_event_has_what_a_page_shows(server: Server, ada: Person, key: str) -> None:
    task_id = submitted(server.database, ada.owner)
    with socket(server.url, key, of(task_id)) as opened:
        told = heard(opened)

    assert set(told) == {
        "event",
        "task_id",
        "name",
        "queue",
        "seq",
        "status",
        "progress",
        "waiting_because",
        "cursor",
    }
    assert (told["event"], told["task_id"]) == ("progress", str(task_id))
    assert (told["queue"], told["status"], told["seq"]) == (
        "ai_processing",
        "queued",
        0,
    )
    assert told["waiting_because"].startswith("No scheduler is running")


def test_without_a_number_a_socket_begins_with_how_the_task_is(
    server: Server, ada: Person, key: str
) -> None:
    task_id = submitted(server.database, ada.owner)
    steps(server.database, task_id, "one", "two")
    with socket(server.url, key, of(task_id)) as opened:
        assert heard_messages(opened, 1) == ["two"]
        steps(server.database, task_id, "three")
        assert heard_messages(opened, 1) == ["three"]


def test_a_client_that_drops_and_returns_with_its_number_has_each_event_once(
    server: Server, ada: Person, key: str
) -> None:
    task_id = submitted(server.database, ada.owner)
    steps(server.database, task_id, "one", "two")
    with socket(server.url, key, of(task_id), seq=-1) as opened:
        assert heard_messages(opened, 2) == ["Queued", "one"]
        seq = heard(opened)["seq"]
    steps(server.database, task_id, "three", "four")
    with socket(server.url, key, of(task_id), seq=seq) as opened:
        assert heard_messages(opened, 2) == ["three", "four"]
        steps(server.database, task_id, "five")
        assert heard_messages(opened, 1) == ["five"]
        assert is_silent(opened)


def test_a_client_that_drops_again_and_again_has_each_event_once(
    server: Server, ada: Person, key: str
) -> None:
    """While a worker goes on writing."""
    task_id = submitted(server.database, ada.owner)
    last = 400
    writer = threading.Thread(
        target=steps, args=(server.database, task_id, *map(str, range(1, last + 1)))
    )
    writer.start()
    seen: list[int] = []
    while not seen or seen[-1] < last:
        known = seen[-1] if seen else -1
        with socket(server.url, key, of(task_id), seq=known) as opened:
            seen += [heard(opened)["seq"] for _ in range(min(37, last - known))]
    writer.join()

    assert seen == list(range(last + 1))


def test_the_end_of_a_task_is_told_and_closes_its_socket(
    server: Server, ada: Person, key: str
) -> None:
    task_id = submitted(server.database, ada.owner)
    with socket(server.url, key, of(task_id)) as opened:
        heard(opened)
        seq = end(server, task_id)
        assert heard(opened)["status"] == "success"
        assert end_of(opened) == (ENDED, "The task has ended.")
    with socket(server.url, key, of(task_id), seq=seq) as opened:
        assert end_of(opened)[0] == ENDED
    with socket(server.url, key, of(task_id)) as opened:
        assert heard(opened)["seq"] == seq
        assert end_of(opened)[0] == ENDED


def test_a_change_after_the_end_that_is_no_event_keeps_no_socket_open(
    server: Server, ada: Person, key: str
) -> None:
    """A cancelled parent still counts its children's ends."""
    task_id = submitted(server.database, ada.owner)
    seq = end(server, task_id)
    with server.database.connection() as connection:
        connection.execute("update tasks set seq = seq + 1 where id = %s", [task_id])
    with socket(server.url, key, of(task_id), seq=seq - 1) as opened:
        assert heard(opened)["status"] == "success"
        assert end_of(opened)[0] == ENDED
    with socket(server.url, key, of(task_id), seq=seq) as opened:
        assert end_of(opened)[0] == ENDED


def test_a_task_that_failed_and_is_tried_again_is_followed_on(
    server: Server, ada: Person, key: str
) -> None:
    task_id = submitted(server.database, ada.owner)
    with server.database.connection() as connection:
        step(connection, task_id, "Failed", Status.FAILURE)
    ada.client.retry(task_id)
    with socket(server.url, key, of(task_id), seq=-1) as opened:
        assert heard_messages(opened, 3) == ["Queued", "Failed", "Queued again"]
        steps(server.database, task_id, "one")
        assert heard_messages(opened, 1) == ["one"]


def test_a_task_that_is_removed_closes_its_socket(
    server: Server, ada: Person, key: str
) -> None:
    task_id = submitted(server.database, ada.owner)
    with socket(server.url, key, of(task_id)) as opened:
        heard(opened)
        with server.database.connection() as connection:
            connection.execute("delete from tasks where id = %s", [task_id])
        assert end_of(opened)[0] == GONE


def test_a_feed_tells_of_all_tasks_and_goes_on_from_its_cursor(
    server: Server, ada: Person, key: str
) -> None:
    with socket(server.url, key) as opened:
        assert heard(opened)["event"] == "ready"
        first, second = (submitted(server.database, ada.owner) for _ in range(2))
        told = [heard(opened) for _ in range(2)]
        assert [one["task_id"] for one in told] == [str(first), str(second)]
        cursor = told[0]["cursor"]
    steps(server.database, first, "one")
    steps(server.database, second, "two")
    with socket(server.url, key, cursor=cursor) as opened:
        assert heard(opened)["event"] == "ready"
        assert heard_messages(opened, 3) == ["Queued", "one", "two"]
        assert is_silent(opened)


def test_a_feed_misses_nothing_while_transactions_commit_out_of_order(
    server: Server, ada: Person, key: str
) -> None:
    """A number handed out early and committed late is no reason to step over it."""
    early, late = (submitted(server.database, ada.owner) for _ in range(2))
    with (
        socket(server.url, key) as opened,
        connect(server.wiring.database_url, autocommit=False) as held,
    ):
        heard(opened)
        step(held, early, "held")
        steps(server.database, late, "one", "two")
        assert is_silent(opened)
        with socket(server.url, key, of(late), seq=0) as own:
            # A task's own stream waits for no other's transaction.
            assert heard_messages(own, 2) == ["one", "two"]
        held.commit()
        assert heard_messages(opened, 3) == ["held", "one", "two"]
        assert is_silent(opened)


def test_a_tasks_events_keep_their_order_where_transactions_do_not(
    server: Server, ada: Person, key: str
) -> None:
    """The transaction with the lower number may write the task's later event."""
    task_id, other = (submitted(server.database, ada.owner) for _ in range(2))
    with (
        socket(server.url, key, of(task_id), seq=0) as own,
        socket(server.url, key) as feed,
        connect(server.wiring.database_url, autocommit=False) as early,
    ):
        heard(feed)
        step(early, other, "number taken")
        steps(server.database, task_id, "one")
        step(early, task_id, "two")
        early.commit()
        in_order = heard_messages(own, 2)
        by_cursor = heard_messages(feed, 3)

    assert in_order == ["one", "two"]
    assert by_cursor == ["number taken", "two", "one"]


def test_a_transaction_that_is_undone_holds_nothing_back_for_long(
    server: Server, ada: Person, key: str
) -> None:
    """It ends without a ring."""
    undone, done = (submitted(server.database, ada.owner) for _ in range(2))
    with (
        socket(server.url, key) as opened,
        connect(server.wiring.database_url, autocommit=False) as held,
    ):
        heard(opened)
        step(held, undone, "never")
        steps(server.database, done, "one")
        held.rollback()
        assert heard_messages(opened, 1) == ["one"]


def test_feeds_that_drop_while_many_write_have_each_event_once(
    server: Server, ada: Person, key: str
) -> None:
    """Ten writers, whose transactions overlap and end in any order."""
    tasks = [submitted(server.database, ada.owner) for _ in range(10)]
    with socket(server.url, key) as opened:
        cursor = heard(opened)["cursor"]

    def write(task_id: UUID, pause_s: float) -> None:
        with connect(server.wiring.database_url, autocommit=False) as connection:
            for number in range(30):
                step(connection, task_id, str(number))
                time.sleep(pause_s)
                connection.commit()

    writers = [
        threading.Thread(target=write, args=(task_id, 0.004 * place))
        for place, task_id in enumerate(tasks)
    ]
    for writer in writers:
        writer.start()
    seen: list[tuple[str, int]] = []
    while len(seen) < 300:
        with socket(server.url, key, cursor=cursor) as opened:
            assert heard(opened)["event"] == "ready"
            for _ in range(min(23, 300 - len(seen))):
                told = heard(opened)
                cursor = told["cursor"]
                seen.append((told["task_id"], told["seq"]))
    for writer in writers:
        writer.join()

    assert sorted(seen) == sorted(
        (str(task_id), seq) for task_id in tasks for seq in range(1, 31)
    )


def test_two_owners_never_see_one_another(
    server: Server, ada: Person, ben: Person, key: str
) -> None:
    other = server.key(ben.owner)
    with (
        socket(server.url, key) as hers,
        socket(server.url, other) as his,
        ada.http.stream("GET", EVENTS) as stream,
    ):
        lines = stream.iter_lines()
        assert (heard(hers)["event"], heard(his)["event"]) == ("ready", "ready")
        theirs = submitted(server.database, ben.owner)
        own = submitted(server.database, ada.owner)
        assert heard(his)["task_id"] == str(theirs)
        assert heard(hers)["task_id"] == str(own)
        assert is_silent(hers)
        data = [line for line in _until(lines, str(own)) if line.startswith("data:")]
        assert not [line for line in data if str(theirs) in line]


def _until(lines: object, word: str) -> list[str]:
    found: list[str] = []
    for line in lines:  # type: ignore[attr-defined]
        found.append(line)
        if word in line:
            break
    return found


@pytest.mark.parametrize("whose", ["another's", "nobody's"])
def test_another_owners_task_is_not_there_for_a_socket(
    server: Server, ben: Person, key: str, whose: str
) -> None:
    task_id = submitted(server.database, ben.owner) if whose == "another's" else uuid4()
    with pytest.raises(InvalidStatus) as refused, socket(server.url, key, of(task_id)):
        pass

    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body or b"")["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (FEED, {"cursor": "nonsense"}),
        (FEED, {"cursor": "-1-0-0"}),
        (f"{FEED}/nonsense", {}),
        (f"{FEED}/00000000-0000-4000-8000-000000000001", {"seq": "-2"}),
    ],
)
def test_what_makes_no_sense_is_refused_before_the_handshake(
    server: Server, key: str, path: str, query: dict[str, str]
) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        socket(server.url, key, path, **query),
    ):
        pass

    assert refused.value.response.status_code == 422
    assert json.loads(refused.value.response.body or b"")["code"] == "bad_request"


def test_a_browser_goes_on_from_the_last_event_that_it_has(
    server: Server, ada: Person
) -> None:
    with ada.http.sse(EVENTS) as source:
        told = iter(source)
        ready = next(told)
        task_id = submitted(server.database, ada.owner)
        queued = next(told)
    steps(server.database, task_id, "one")
    with ada.http.sse(
        EVENTS, params={"cursor": ready.id}, headers={"Last-Event-ID": queued.id}
    ) as source:
        told = iter(source)
        again, one = next(told), next(told)

    assert (ready.event, queued.event, again.event) == ("ready", "progress", "ready")
    assert queued.id == json.loads(queued.data)["cursor"]
    assert json.loads(one.data)["progress"]["message"] == "one"


def test_a_stream_is_for_nobody_to_keep(ada: Person) -> None:
    with ada.http.stream("GET", EVENTS) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"


def aged(server: Server, task_id: UUID, days: int) -> None:
    """Let a task and its events be older."""
    with server.database.connection() as connection:
        for table, column in (("task_progress", "task_id"), ("tasks", "id")):
            connection.execute(
                f"update {table} set created_at = created_at - %s where {column} = %s",
                [timedelta(days=days), task_id],
            )


def test_a_cursor_older_than_what_is_kept_is_told_so(
    server: Server, ada: Person, key: str
) -> None:
    """After a cleanup nobody could tell him what he missed: he reads the lists anew."""
    with socket(server.url, key) as opened:
        begin = heard(opened)["cursor"]
    task_id = submitted(server.database, ada.owner)
    aged(server, task_id, 8)
    with socket(server.url, key, cursor=begin) as opened:
        heard(opened)
        old = heard(opened)["cursor"]
    steps(server.database, task_id, "one")
    end(server, task_id)
    aged(server, task_id, 8)
    with server.database.connection() as connection:
        connection.execute("select prsnl_cleanup()")

    with socket(server.url, key, cursor=old) as opened:
        gap = heard(opened)
        assert gap["event"] == "gap"
        assert "lists" in gap["message"]
        fresh = submitted(server.database, ada.owner)
        assert heard(opened)["task_id"] == str(fresh)
    with ada.http.sse(EVENTS, headers={"Last-Event-ID": old}) as source:
        assert next(iter(source)).event == "gap"
    with socket(server.url, key, of(task_id), seq=0) as opened:
        assert heard(opened)["event"] == "gap"
        assert heard(opened)["status"] == "success"
        assert end_of(opened)[0] == ENDED


def test_a_cursor_of_another_database_is_told_so(server: Server, key: str) -> None:
    """After a restore numbers begin anew, and would wait for ever to be reached."""
    with socket(server.url, key) as opened:
        xid, number, at = heard(opened)["cursor"].split("-")
    ahead = f"{int(xid, 16) + 10**9:x}-{number}-{at}"

    with socket(server.url, key, cursor=ahead) as opened:
        assert heard(opened)["event"] == "gap"


def test_streams_outlive_a_lost_connection_to_the_database(
    server: Server, ada: Person, key: str
) -> None:
    """What was committed meanwhile is told when it is back."""
    task_id = submitted(server.database, ada.owner)
    with (
        socket(server.url, key) as feed,
        socket(server.url, key, of(task_id)) as own,
    ):
        heard(feed)
        heard(own)
        with connect(server.wiring.database_url) as other:
            other.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )
            step(other, task_id, "one")
            step(other, task_id, "two")
        assert heard_messages(feed, 2) == ["one", "two"]
        assert heard_messages(own, 2) == ["one", "two"]
        assert is_silent(feed)


def test_a_stream_needs_a_key(server: Server) -> None:
    answer = httpx2.get(f"{server.url}{EVENTS}", trust_env=False)

    assert answer.status_code == 401
