"""The worker: Celery brings hints, the runner does the tasks."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog
from celery import Celery
from celery.signals import worker_shutting_down
from celery.utils.nodenames import nodename
from celery.worker import state
from celery.worker.strategy import default as default_strategy
from kombu.asynchronous import get_event_loop
from kombu.entity import Queue as CarrierQueue

from prsnl.core.db import Database
from prsnl.core.errors import UnavailableError
from prsnl.wiring import Wiring
from prsnl.work import renewed
from prsnl.work.beat import Beat
from prsnl.work.carrier import drop_what_is_no_hint, hinted
from prsnl.work.finisher import Finisher
from prsnl.work.queues import Queue, in_order
from prsnl.work.relay import celery_app
from prsnl.work.ring import Channel, ringing
from prsnl.work.runner import Finished, Runner
from prsnl.work.specs import Catalogue
from prsnl.work.task_log import TaskLog, keep_lines
from prsnl.work.workers import RETIRES, WorkerIdentity

_NICE = 10
_GC_THRESHOLDS = (10_000, 10, 10)
#: Celery counts a thread as free a moment after its task has returned.
_FREE_AFTER_S = (0.002, 0.05)

_celery_log: Final = logging.getLogger("celery.worker")
log = structlog.get_logger()


def main(wiring: Wiring, queues: Sequence[Queue], *, threads: int = 1) -> None:
    """Work on some queues until TERM; then give back what runs, and leave.

    Args:
        wiring: What this process is made of.
        queues: Which queues.
        threads: Tasks at a time; more than one only where they wait for others.
    """
    _give_way()
    names = tuple(str(queue) for queue in in_order(set(queues)))
    worker = WorkerIdentity(kind="worker", queues=names, slots=threads)
    with (
        wiring.database("worker", size=threads + 2) as database,
        ringing(wiring.database_url) as ring,
        wiring.services(database) as services,
        Finisher[Finished]() as finisher,
    ):
        beat = wiring.beat(database, worker, services)
        beat.task_log = TaskLog(worker)
        keep_lines(beat.task_log)
        runner = Runner(
            database=database,
            storage=wiring.storage,
            catalogue=wiring.catalogue,
            services=services,
            beat=beat,
            rang=lambda: ring.ring(Channel.DUE, Channel.PROGRESS),
            told=lambda: ring.ring(Channel.PROGRESS),
            waits_scale=wiring.settings.work.retry_waits_scale,
            provider_probe=wiring.settings.work.provider_probe_s,
            time_scale=wiring.settings.work.task_time_scale,
            finisher=finisher if threads == 1 else None,
        )
        drop_what_is_no_hint()
        app = celery_app(wiring.broker_url)
        app.conf.task_queues = [
            CarrierQueue(name, routing_key=name)  # type: ignore[no-untyped-call]
            for name in names
        ]
        has_flower = wiring.settings.flower.flower
        app.conf.worker_send_task_events = has_flower
        register(app, wiring.catalogue, runner, has_threads=threads > 1)
        worker_shutting_down.connect(lambda **_: beat.drain(), weak=False)
        signal.signal(RETIRES, lambda *_: _retire(beat))
        _release_what_waited(database, wiring.settings.mark_of_engines())
        with beat.beating():
            ring.ring(Channel.DUE)
            _collect_seldom()
            # Not by Celery's command line: it loads a terminal's editor.
            app.Worker(
                pool_cls="solo" if threads == 1 else "threads",
                concurrency=threads,
                queues=list(names),
                hostname=nodename(worker.id.hex[-12:], worker.host),
                loglevel="WARNING",
                quiet=True,
                without_gossip=True,
                without_mingle=True,
                without_heartbeat=not has_flower,
            ).start()


def _retire(beat: Beat) -> None:
    """Take no more; Celery's loop ends when the task in hand has."""
    beat.retire()
    state.should_stop = os.EX_OK


def _release_what_waited(database: Database, mark: str) -> None:
    """Try again what waits, if the engines are set otherwise than they were."""
    try:
        if database.run(partial(renewed.begin_with, mark=mark)):
            log.info("worker.settings_changed")
    except UnavailableError:
        log.warning("worker.settings_not_noted")  # the next that starts does it


def _collect_seldom() -> None:
    """Spare what is there for good from the search for garbage.

    What was imported is most of the heap, and a search through it at every few
    hundredth object was a quarter of what a short task cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GC_THRESHOLDS)


def _give_way() -> None:
    """Leave the processor to who waits for an answer.

    Where Linux groups processes by session, niceness counts within a session alone,
    and a worker under the supervisor has one to itself: then the session is told.
    """
    os.nice(_NICE)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(_NICE), encoding="ascii")


class Failed(Exception):  # noqa: N818 - for those who look at Celery's events
    """This try of a task failed; what follows from that is in its row."""


def register(
    app: Celery, catalogue: Catalogue, runner: Runner, *, has_threads: bool = False
) -> None:
    """Give Celery one task a spec: its name is ours, its id the task's own."""

    def carry(task: Any) -> None:
        ending = None
        try:
            if task_id := hinted({"id": task.request.id}):
                ending = runner.execute(task_id)
        finally:
            if has_threads:
                _look_for_more()
        if app.conf.worker_send_task_events and ending and ending.error:
            raise Failed(ending.error.code)

    # Not a function: as a task's attribute that would become a method.
    strategy = {} if has_threads else {"Strategy": partial(_strategy, runner)}
    for spec in catalogue.specs():
        app.task(name=spec.name, bind=True, throws=(Failed,), **strategy)(carry)


def _strategy(runner: Runner, task: Any, app: Any, consumer: Any) -> Any:
    """How Celery does what a hint names, without its books for arguments and results.

    A hint has neither: Celery's request, trace and signals cost a third of what a
    short task does. Where somebody listens to its events it keeps them.
    """
    if consumer.event_dispatcher and consumer.event_dispatcher.enabled:
        return default_strategy(task, app, consumer)

    is_late = app.conf.task_acks_late

    def execute(message: Any, *_: Any) -> None:
        if not is_late:
            message.ack()
        if task_id := hinted(message.headers):
            runner.execute(task_id)
        if is_late:
            # If the broker has left meanwhile it delivers this again, for nothing.
            message.ack_log_error(_celery_log, consumer.connection_errors)

    return execute


def _look_for_more() -> None:
    """Let Celery's loop look for a hint soon: this thread is about to be free.

    With every thread busy the loop asks the broker for nothing, and then sleeps for
    up to a second, whoever gets free meanwhile.
    """
    loop = get_event_loop()
    if loop is not None:
        for delay_s in _FREE_AFTER_S:
            loop.call_soon(loop.call_later, delay_s, _nothing)  # type: ignore[no-untyped-call]


def _nothing() -> None:
    """To wake up is all that is wanted."""
