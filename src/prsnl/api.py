"""The API: FastAPI over what the wiring gives, on one socket."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from prsnl import __version__
from prsnl.access import endpoints as access
from prsnl.access import openness
from prsnl.ai_processing import embedding_endpoints
from prsnl.ai_processing import endpoints as ai_processing
from prsnl.ai_processing import prompt_endpoints as prompts
from prsnl.core import schema
from prsnl.core.db import wakeful
from prsnl.core.errors import StartError
from prsnl.core.settings.in_force import Following, InForce
from prsnl.core.settings.service import Server as ServerSettings
from prsnl.dashboard import (
    actions,
    activity,
    house,
    house_actions,
    item_actions,
    item_page,
    keeping,
    searching,
    signing_in,
    working,
)
from prsnl.dashboard import endpoints as dashboard
from prsnl.discovery import RunningServer
from prsnl.file_processing import endpoints as file_processing
from prsnl.library import endpoints as library
from prsnl.library import learned, page_pictures, rerun, restored, taxonomy
from prsnl.media_processing import endpoints as media_processing
from prsnl.media_processing import video_endpoints as video
from prsnl.monitoring import endpoints as monitoring
from prsnl.monitoring import engine_endpoints as engines
from prsnl.monitoring import live
from prsnl.monitoring import log_endpoints as task_log
from prsnl.monitoring import overview_endpoints as overview
from prsnl.monitoring import usage_endpoints as usage
from prsnl.monitoring.reader import Reader
from prsnl.search import collection_endpoints as collections
from prsnl.search import endpoints as search
from prsnl.web import description, errors, keys
from prsnl.web.crowd import Crowd, Room, as_many_as_files
from prsnl.web.dependencies import Shared
from prsnl.web.guard import Guard, Visits
from prsnl.web.headers import SecurityHeaders
from prsnl.web.hosts import AllowedHosts, HostCheck
from prsnl.web.limits import BodyLimit
from prsnl.web.pace import BodyPace, Pace
from prsnl.web.silent import SilentCut
from prsnl.web.targets import HttpProtocol
from prsnl.web.throttle import Throttle
from prsnl.webhooks import endpoints as webhooks
from prsnl.wiring import Wiring, embedding, models
from prsnl.wiring.outside import quoter, webhook_addresses
from prsnl.wiring.pictures import painter
from prsnl.wiring.search import searcher
from prsnl.work.ring import Channel, Listener, ringing
from prsnl.work.submit import Submitter

_READERS: Final = 8
_SUBMITTERS: Final = 4
#: A request waits so long for a database that is away, then answers 503.
_PATIENCE_S: Final = 2.0
#: Requests under way when the server is told to stop have so long.
_GRACE_S: Final = 5
_BACKLOG: Final = 512
#: A connection that rests is kept for longer than browsers, clients and proxies keep
#: theirs (a minute is usual): else one of them asks just as we hang up.
_RESTS_S: Final = 75
#: What is still on its way to those who follow progress then has so long.
_FLUSH_S: Final = 1.0
#: Nothing that a client says over a WebSocket is of use.
_HEARD_BYTES: Final = 4096
#: Where a body is written to disk as it comes.
_UPLOADS: Final = frozenset({"/api/attachments", "/upload"})
#: No upload takes so long.
_ABANDONED: Final = timedelta(days=1)

log = structlog.get_logger()


def make_app(wiring: Wiring, *, insecurities: tuple[str, ...] = ()) -> FastAPI:
    """The whole API; it connects to nothing before it starts.

    Args:
        wiring: What it is made of.
        insecurities: What `--insecure` let pass; /health says it.
    """
    visits = Visits()
    in_force = InForce(wiring.settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as stack:
            database = replace(
                stack.enter_context(wiring.database("api", size=_READERS)),
                patience_s=_PATIENCE_S,
            )
            ring = stack.enter_context(ringing(wiring.database_url))
            reading = stack.enter_context(wiring.database("api reader", size=1))
            reader = Reader(reading, Listener(wiring.database_url, Channel.PROGRESS))
            stack.callback(reader.join)
            stack.callback(reader.close)
            app.state.searcher = stack.enter_context(
                searcher(wiring.settings, database, wiring.storage, wiring.operations)
            )
            app.state.painter = stack.enter_context(
                painter(wiring.settings, wiring.storage, wiring.operations)
            )
            async with _pool(wiring.database_url) as pool:
                app.state.reader = reader
                app.state.quoter = quoter(wiring.settings)
                app.state.embedding_quoter = embedding.quoter(wiring.settings)
                app.state.language_model = Following(in_force, models.language_model)
                app.state.shared = Shared(
                    database=database,
                    submitter=Submitter(pool, lambda: ring.ring(Channel.DUE)),
                    ring=ring,
                    keys=keys.KeyRing(database),
                    storage=wiring.storage,
                    limits=wiring.settings.storage,
                    wrong_keys=Throttle(wiring.settings.access.wrong_keys_per_minute),
                    access=wiring.settings.access,
                    server=wiring.settings.server,
                    insecurities=insecurities,
                    taxonomy=wiring.taxonomy,
                )
                watch = asyncio.create_task(visits.watch(app.state.shared.keys))
                yield
                watch.cancel()

    app = FastAPI(
        title="PRSNL",
        version=__version__,
        summary="A file goes in, knowledge comes out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.webhook_addresses = webhook_addresses(wiring.settings)
    app.state.engines = engines.Engines(in_force)
    errors.install(app)
    description.install(app)
    own = wiring.settings.server
    app.add_middleware(BodyLimit, uploads=_UPLOADS)
    app.add_middleware(BodyPace, pace=_pace(own))
    app.add_middleware(Crowd, room=_room(own), uploads=_UPLOADS)
    app.add_middleware(Guard, visits=visits)
    app.add_middleware(HostCheck, allowed=AllowedHosts.of(wiring.settings.server))
    if proxies := wiring.settings.access.proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=proxies)
    app.add_middleware(SecurityHeaders)
    for router in (
        # What is called most comes first: routes are tried one after another.
        ai_processing.router,
        prompts.router,
        embedding_endpoints.router,
        file_processing.router,
        rerun.router,
        media_processing.router,
        search.router,
        collections.router,
        media_processing.transcripts_router,
        video.router,
        video.frames_router,
        library.router,
        page_pictures.router,
        learned.router,
        restored.router,
        taxonomy.router,
        monitoring.router,
        overview.router,
        monitoring.open_router,
        webhooks.router,
        task_log.router,
        engines.router,
        usage.router,
        access.router,
        access.page_router,
        live.router,
        searching.router,
        item_page.router,
        item_actions.router,
        keeping.router,
        dashboard.router,
        activity.router,
        working.router,
        house.router,
        actions.router,
        house_actions.router,
        signing_in.router,
    ):
        app.include_router(router)
    return app


def _pace(own: ServerSettings) -> Pace:
    return Pace(
        silence_s=own.request_silence_s.total_seconds(),
        least_bytes_per_s=own.request_bytes_per_s,
    )


def _room(own: ServerSettings) -> Room:
    return Room(
        requests=as_many_as_files(own.requests_at_once),
        uploads=own.uploads_at_once,
        body_bytes=own.request_memory_bytes,
    )


def configured(app: FastAPI) -> uvicorn.Config:
    """How the API is served."""
    return uvicorn.Config(
        app,
        loop="uvloop",
        http=HttpProtocol,
        ws="websockets-sansio",
        # Events are short, and compression would hold memory for each client.
        ws_per_message_deflate=False,
        ws_max_size=_HEARD_BYTES,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the application's own, for the proxies of a setting
        server_header=False,
        timeout_keep_alive=_RESTS_S,
        timeout_graceful_shutdown=_GRACE_S,
    )


def main(wiring: Wiring, *, is_passing: bool = False) -> None:
    """Serve until TERM or Ctrl-C.

    Args:
        wiring: What this process is made of.
        is_passing: The server ends with the command that started it.

    Raises:
        StartError: The port is taken, the database does not fit, or it or the broker
            lets anybody in.
    """
    insecurities = openness.check(
        wiring.database_url,
        wiring.broker_url,
        is_insecure=wiring.settings.access.insecure,
    )
    schema.check(wiring.database_url)
    data_dir = wiring.settings.storage.folder
    key = keys.first_key(data_dir)
    wiring.storage.clear_incoming(older_than=_ABANDONED)
    with wiring.database("api start", size=1) as database:
        database.run(
            lambda connection: keys.ensure(
                connection, key, owner=keys.FIRST_OWNER, name="first key"
            )
        )
    with _listening(wiring.settings.server.host, wiring.settings.server.port) as bound:
        place = _Place(
            data_dir,
            RunningServer(url=_url(bound), pid=os.getpid(), is_passing=is_passing),
        )
        app = make_app(wiring, insecurities=insecurities)
        logging.getLogger("uvicorn.error").addFilter(_is_no_refusal)
        # What is there now stays: a collection that walked through all of it would
        # hold up every client for a tenth of a second.
        gc.collect()
        gc.freeze()
        # uvicorn raises the signal again when it has stopped: there is nothing left
        # to do for it.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        silence_s = wiring.settings.server.request_silence_s.total_seconds()
        _Server(configured(app), app, place, SilentCut(silence_s)).run(sockets=[bound])


@dataclass(frozen=True)
class _Place:
    """Where this server is found."""

    data_dir: Path
    server: RunningServer


class _Server(uvicorn.Server):
    """Tells where it is, and lets nobody wait when it stops."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, place: _Place, cut: SilentCut
    ) -> None:
        super().__init__(config)
        self._app = app
        self._place = place
        self._cut = cut

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        place = self._place
        await asyncio.to_thread(place.server.announce, place.data_dir)
        self._watch = asyncio.create_task(
            self._cut.watch(self.server_state.connections)
        )
        log.info("api.listening", url=place.server.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._watch.cancel()
        place = self._place
        await asyncio.to_thread(place.server.withdraw, place.data_dir)
        self._app.state.reader.close()
        asyncio.get_running_loop().call_later(_FLUSH_S, self._cut_streams)
        await super().shutdown(sockets)

    def _cut_streams(self) -> None:
        """Who takes nothing of his stream any more must not hold the others."""
        for connection in list(self.server_state.connections):
            if live.is_stream(getattr(connection, "scope", None)):
                connection.transport.abort()


def _is_no_refusal(record: logging.LogRecord) -> bool:
    """Leave out what uvicorn says of a WebSocket whose handshake we have refused."""
    return "without completing handshake" not in record.getMessage()


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes any free one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise StartError(
            f"PRSNL_HOST is wrong: {host} is no address of this machine."
        ) from error
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(_BACKLOG)
    except OSError as error:
        bound.close()
        raise StartError(
            f"The API cannot listen on {host} port {port} ({error.strerror}): stop "
            "what does, or set PRSNL_PORT to another port (0 takes any free one)."
        ) from error
    return bound


def _url(bound: socket.socket) -> str:
    """How this machine reaches the socket."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _pool(database_url: str) -> AsyncConnectionPool[AsyncConnection[DictRow]]:
    return AsyncConnectionPool(
        database_url,
        connection_class=AsyncConnection[DictRow],
        min_size=0,
        max_size=_SUBMITTERS,
        timeout=5,
        max_idle=300,
        reconnect_timeout=1,
        open=False,
        kwargs={
            **wakeful(database_url),
            "autocommit": True,
            "row_factory": dict_row,
            "application_name": "prsnl api submit",
        },
    )
