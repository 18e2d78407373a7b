"""From the end of work to a message that arrives, is signed, and is told."""

from __future__ import annotations

import hashlib
import hmac
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from prsnl.core.errors import ConflictError, CorruptError, NotFoundError
from prsnl.core.ids import new_id
from prsnl.items import egress
from prsnl.webhooks import gathering, store
from prsnl.webhooks.address import AddressBook
from prsnl.webhooks.service import Deliverer
from prsnl.webhooks.specs import DELIVER
from prsnl.webhooks.store import MOST_FAILURES
from prsnl.webhooks.tasks import TASKS
from prsnl.wire.webhooks import Event, MadeWebhook, NewWebhook, WebhookBody
from prsnl.work.run import Services, TaskRun
from prsnl.work.runner import Runner
from prsnl.work.specs import Status
from tests.conftest import need
from tests.fakes.certificates import Authority
from tests.fakes.receiver import Got, Receiver, receiving
from tests.integration.work.conftest import (  # noqa: F401 - the fixture `bench`
    LEAVES,
    OWNER,
    SPREAD,
    Bench,
    Job,
    Made,
    bench,
)

SECRET = "a secret of this test"


@dataclass
class Post:
    """A receiver, a worker that delivers, and hands to feed both."""

    bench: Bench
    receiver: Receiver
    runner: Runner
    book: AddressBook = field(default_factory=lambda: AddressBook(("127.0.0.1",)))

    def add(self, *events: Event, url: str | None = None) -> MadeWebhook:
        wanted = NewWebhook(
            url=url or self.receiver.url,
            events=list(events) or [Event.WORK_ENDED],
            secret=SECRET,
        )
        return self.bench.do(partial(store.keep, wanted=wanted, owner=OWNER))

    def now(self) -> WebhookBody:
        (found,) = self.bench.do(partial(store.webhooks, owner=OWNER))
        return found

    def gather(self) -> None:
        """Until what has ended can be read; then once more, for nothing comes twice."""
        self.bench.until(lambda: self.bench.do(gathering.gather))
        assert self.bench.do(gathering.gather) == 0

    def deliver(self) -> list[UUID]:
        """One try of everything that waits."""
        rows = self.bench.all(
            "update tasks set due_at = now() where name = %s and status = 'queued' "
            "returning id",
            DELIVER.name,
        )
        for row in rows:
            self.runner.execute(row["id"])
        return [row["id"] for row in rows]

    def end(self, status: Status = Status.SUCCESS, *, item: UUID | None = None) -> UUID:
        """A task that ends."""

        def work(_run: TaskRun, _job: Job) -> Made:
            if status is Status.FAILURE:
                raise CorruptError("A text of a document.")
            return Made(word="a text of a document")

        task_id = self.bench.job(work)
        if item is not None:
            self.bench.set(task_id, "attachment_id = %s", self._file_of(item))
        self.bench.runner.execute(task_id)
        return task_id

    def item(self, *, local_only: bool = False) -> UUID:
        made = new_id()
        self.bench.all(
            "insert into items (id, owner, title, title_source, local_only) "
            "values (%s, %s, 'a text of a document', 'name', %s) returning id",
            made,
            OWNER,
            local_only,
        )
        return made

    def _file_of(self, item: UUID) -> UUID:
        made = new_id()
        self.bench.all(
            "insert into attachments (id, owner, item_id, sha256, file_name, "
            "size_bytes) values (%s, %s, %s, %s, 'a text.pdf', 1) returning id",
            made,
            OWNER,
            item,
            made.hex,
        )
        return made

    def knowing(self, *allowed: str, ip: str = "127.0.0.1") -> None:
        """Have the worker take every name for an address of this machine."""
        book = AddressBook(allowed, resolve=lambda *_: [ip])
        deliverer = Deliverer(self.bench.database, book)
        self.runner = replace(self.runner, services=Services({Deliverer: deliverer}))

    @property
    def last(self) -> Got:
        return self.receiver.got[-1]


@pytest.fixture
def post(bench: Bench) -> Iterator[Post]:  # noqa: F811 - the fixture
    with receiving() as receiver:
        made = Post(bench, receiver, bench.runner)
        bench.catalogue.handlers.update(TASKS.handlers)
        deliverer = Deliverer(bench.database, made.book)
        made.runner = replace(bench.runner, services=Services({Deliverer: deliverer}))
        yield made


def test_the_end_of_work_is_one_signed_message_that_holds_no_text(post: Post) -> None:
    post.add()
    task_id = post.end()
    failed = post.end(Status.FAILURE)
    still = post.bench.job()
    assert post.bench.do(gathering.gather) == 0, "something is under way"
    post.bench.runner.execute(still)

    post.gather()
    post.deliver()

    (got,) = post.receiver.got
    assert got.path == "/hook?to=me"
    assert got.told["event"] == "work.ended"
    assert got.told["counts"] == {"success": 2, "failure": 1}
    named = [one["task_id"] for one in got.told["tasks"]]
    assert named[0] == str(failed), "the failed come first"
    assert str(task_id) in named
    assert b"text" not in got.body
    at = got.headers["PRSNL-Webhook-Timestamp"]
    by_hand = hmac.new(SECRET.encode(), at.encode() + b"." + got.body, hashlib.sha256)
    assert got.headers["PRSNL-Webhook-Signature"] == f"v1={by_hand.hexdigest()}"
    assert got.headers["PRSNL-Webhook-Id"] == got.told["id"]
    last = post.now().last_delivery
    assert last is not None
    assert (last.outcome, last.http_status, last.attempts) == ("delivered", 204, 1)


def test_a_batch_is_one_task_of_the_message_and_its_delivery_none(post: Post) -> None:
    """Of three hundred files one message comes, and none of that message."""
    post.add(Event.TASK_SUCCEEDED, Event.WORK_ENDED)
    parent = post.bench.submit(SPREAD, LEAVES)
    post.bench.runner.execute(parent)
    for row in post.bench.all("select id from tasks where parent_id = %s", parent):
        post.bench.runner.execute(row["id"])
    post.bench.runner.execute(parent)

    post.gather()
    post.deliver()
    assert post.bench.do(gathering.gather) == 0

    told = sorted((got.told for got in post.receiver.got), key=lambda one: one["event"])
    assert [one["event"] for one in told] == ["task.succeeded", "work.ended"]
    for one in told:
        assert [task["task_id"] for task in one["tasks"]] == [str(parent)]


def test_who_wants_failures_is_told_of_these_alone(post: Post) -> None:
    post.add(Event.TASK_FAILED)
    post.end()
    failed = post.end(Status.FAILURE)

    post.gather()
    post.deliver()

    (got,) = post.receiver.got
    assert [one["task_id"] for one in got.told["tasks"]] == [str(failed)]
    assert got.told["tasks"][0]["error_code"] == "corrupt"


def test_a_message_that_did_not_arrive_comes_again_with_the_same_id(post: Post) -> None:
    post.add()
    post.end()
    post.receiver.answers = [503, 429]

    post.gather()
    for _ in range(3):
        (task_id,) = post.deliver()

    assert len({got.headers["PRSNL-Webhook-Id"] for got in post.receiver.got}) == 1
    assert len(post.receiver.got) == 3
    assert post.bench.status(task_id) == "success"
    assert post.bench.row(task_id)["retries"] == 2
    assert post.now().disabled_at is None


@pytest.mark.parametrize(("answer", "said"), [(404, "404"), (302, "redirect")])
def test_who_does_not_want_it_is_not_asked_again_and_turned_off_in_the_end(
    post: Post, answer: int, said: str
) -> None:
    post.add()
    for _ in range(MOST_FAILURES):
        assert post.now().disabled_at is None
        post.receiver.answers = [answer]
        post.end()
        post.gather()
        post.deliver()

    off = post.now()
    assert off.disabled_at is not None
    assert off.disabled_because is not None
    assert said in off.disabled_because
    assert len(post.receiver.got) == MOST_FAILURES
    post.end()
    assert post.bench.do(gathering.gather) == 0

    post.add()  # the same address again: on, and of what ends from now
    post.end()
    post.gather()
    post.deliver()
    assert post.last.told["counts"] == {"success": 1}


def test_a_receiver_that_has_gone_is_turned_off_at_once(post: Post) -> None:
    post.add()
    post.receiver.answers = [410]
    post.end()
    post.gather()
    post.deliver()

    assert post.now().disabled_at is not None


def test_a_receiver_that_is_away_is_tried_until_the_tries_are_used_up(
    post: Post,
) -> None:
    post.add(url="http://127.0.0.1:1/")
    post.end()
    post.gather()
    for _ in range(1 + len(DELIVER.retry_waits_s)):
        (task_id,) = post.deliver()

    assert post.bench.status(task_id) == "dead"
    last = post.now().last_delivery
    assert last is not None
    assert last.outcome == "failed"
    assert last.problem == "127.0.0.1:1 takes no connection."
    assert post.bench.all("select * from egress") == [], "nothing left"


def test_messages_are_held_back_while_many_did_not_arrive(post: Post) -> None:
    """An hour of silence must not end in a thousand messages."""
    post.add(Event.TASK_SUCCEEDED)
    for _ in range(30):
        post.end()
        post.bench.do(gathering.gather)
    post.bench.until(lambda: not post.bench.do(gathering.gather))

    (row,) = post.bench.all("select count(*) as n from webhook_deliveries")
    assert row["n"] <= 10


def test_a_cancelled_delivery_ends_at_once(post: Post) -> None:
    post.add()
    post.end()
    post.receiver.is_silent.set()
    post.gather()
    ended = post.bench.meanwhile(post.deliver)
    post.bench.until(lambda: post.receiver.got)

    post.bench.all(
        "update tasks set cancel_requested_at = now() where name = %s returning 1 as x",
        DELIVER.name,
    )

    (task_id,) = ended.result(timeout=20)
    assert post.bench.status(task_id) == "revoked"


def test_each_delivery_is_on_the_receipt_of_its_items(post: Post) -> None:
    post.add()
    item = post.item()
    post.end(item=item)
    post.gather()
    post.deliver()

    told = post.bench.do(partial(egress.receipt, item_id=item, owner=OWNER))

    (recipient,) = told.recipients
    assert recipient.host == f"127.0.0.1:{post.receiver.port}"
    assert recipient.stages == ["webhook"]
    assert 0 < recipient.sent_bytes <= len(post.last.body)
    assert told.has_left is False, "it is this machine"


def test_an_item_that_may_not_leave_is_counted_and_not_named(post: Post) -> None:
    """To another machine; to a receiver on this one it is named."""
    post.add(url=f"http://away.example:{post.receiver.port}/")
    item = post.item(local_only=True)
    post.end(item=item)
    post.end()
    away = AddressBook(("away.example",), resolve=lambda *_: ["127.0.0.1", "10.9.9.9"])
    deliverer = Deliverer(post.bench.database, away)
    post.runner = replace(post.runner, services=Services({Deliverer: deliverer}))
    post.gather()
    post.deliver()

    told = post.last.told
    assert told["counts"] == {"success": 2}
    assert [one["item_id"] for one in told["tasks"]] == [None]
    assert told["not_named"] == 1
    assert str(item).encode() not in post.last.body
    assert post.bench.all("select * from egress") == []


def test_with_local_only_set_nothing_goes_to_another_machine(post: Post) -> None:
    post.add()
    post.end()
    away = AddressBook(("127.0.0.1",), resolve=lambda *_: ["93.184.216.34"])
    deliverer = Deliverer(post.bench.database, away, local_only=True)
    post.runner = replace(post.runner, services=Services({Deliverer: deliverer}))
    post.gather()
    (task_id,) = post.deliver()

    assert post.bench.row(task_id)["error_code"] == "local_only"
    assert post.receiver.got == []


def test_a_name_that_leads_inside_later_is_refused_and_turned_off(post: Post) -> None:
    """It was public when the webhook was made: the address is judged at each try."""
    post.add()
    post.end()
    inside = AddressBook((), resolve=lambda *_: ["127.0.0.1"])
    deliverer = Deliverer(post.bench.database, inside)
    post.runner = replace(post.runner, services=Services({Deliverer: deliverer}))
    post.gather()
    post.deliver()

    assert post.receiver.got == []
    assert post.now().disabled_at is not None


def test_what_waits_for_a_webhook_that_was_removed_is_dropped(post: Post) -> None:
    made = post.add()
    post.end()
    post.gather()
    post.bench.do(partial(store.delete, webhook_id=made.id, owner=OWNER))
    (task_id,) = post.deliver()

    assert post.bench.row(task_id)["result"]["outcome"] == "dropped"
    assert post.receiver.got == []


def test_the_settings_webhook_is_made_changed_and_removed_with_it(post: Post) -> None:
    setting: Any = partial(store.keep_setting, owner=OWNER)
    post.bench.do(lambda c: setting(c, post.receiver.url, None))
    made = post.now()
    assert (made.of_setting, made.is_signed) == (True, False)
    with pytest.raises(ConflictError, match="PRSNL_NOTIFY_URL"):
        post.bench.do(partial(store.delete, webhook_id=made.id, owner=OWNER))
    with pytest.raises(NotFoundError):
        post.bench.do(partial(store.delete, webhook_id=made.id, owner="bob"))

    post.end()
    post.gather()
    deliverer = Deliverer(post.bench.database, AddressBook())
    post.runner = replace(post.runner, services=Services({Deliverer: deliverer}))
    post.deliver()
    assert "PRSNL-Webhook-Signature" not in post.last.headers
    post.bench.do(lambda c: setting(c, post.receiver.url, SECRET))
    assert (post.now().id, post.now().is_signed) == (made.id, True)
    post.bench.do(store.forget_setting)
    assert post.bench.do(partial(store.webhooks, owner=OWNER)) == []


def test_a_ping_arrives_also_where_the_webhook_is_off(post: Post) -> None:
    made = post.add()
    post.bench.all("update webhooks set disabled_at = now() returning 1 as ok")
    post.bench.do(partial(gathering.ping, webhook_id=made.id, owner=OWNER))
    post.deliver()

    assert post.last.told["event"] == "ping"


NAME = "hook.example"
#: What to do about an authority that this machine does not know.
_UNKNOWN = "SSL_CERT_FILE"


def sent_over_tls(post: Post, receiver: Receiver, name: str = NAME) -> UUID:
    """One message to a server of that name, whose address is this machine's."""
    post.knowing(name)
    post.add(url=f"https://{name}:{receiver.port}/hook")
    post.end(item=post.item())
    post.gather()
    (task_id,) = post.deliver()
    return task_id


def test_a_message_goes_over_tls_to_the_name_of_its_address(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The environment is the interface that is tested: hence the patch."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with receiving(tls=authority.server([NAME])) as receiver:
        task_id = sent_over_tls(post, receiver)

    assert post.bench.status(task_id) == Status.SUCCESS
    (got,) = receiver.got
    assert got.headers["Host"] == f"{NAME}:{receiver.port}"
    assert got.told["event"] == "work.ended"
    assert "PRSNL-Webhook-Signature" in got.headers


@pytest.mark.parametrize(
    ("names", "days", "said"),
    [
        ([NAME], 30, _UNKNOWN),
        (["other.example"], 30, "Hostname mismatch"),
        ([NAME], -1, "expired"),
    ],
    ids=["of an unknown authority", "of another name", "that is over"],
)
def test_to_a_bad_certificate_not_a_byte_is_sent(
    post: Post,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    names: list[str],
    days: float,
    said: str,
) -> None:
    """Nobody knows who shows it. It is told, and not tried again by itself."""
    authority = Authority(tmp_path)
    if said != _UNKNOWN:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with receiving(tls=authority.server(names, days=days)) as receiver:
        task_id = sent_over_tls(post, receiver)

    assert receiver.got == []
    row = post.bench.row(task_id)
    assert (row["status"], row["error_code"]) == ("failure", "provider_rejected")
    assert f"The certificate of {NAME} is not good" in row["error_message"]
    assert said in row["error_message"]
    assert post.bench.all("select * from egress") == []


def test_a_server_without_tls_gets_no_message_that_was_to_go_over_it(
    post: Post,
) -> None:
    """Neither does a secure address fall back to a plain one."""
    task_id = sent_over_tls(post, post.receiver)

    assert post.receiver.got == []
    assert post.bench.row(task_id)["error_code"] == "provider_failed"


def test_an_ipv6_address_is_reached_in_its_brackets(post: Post) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        has_six = True
    except OSError:
        has_six = False
    need("ipv6", is_there=has_six, why="this machine has no loopback of IPv6")
    with receiving(is_six=True) as receiver:
        post.knowing("::1", ip="::1")
        post.add(url=receiver.url)
        post.end()
        post.gather()
        (task_id,) = post.deliver()

    assert post.bench.status(task_id) == Status.SUCCESS
    assert receiver.got[0].headers["Host"] == f"[::1]:{receiver.port}"
