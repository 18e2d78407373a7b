"""Language model servers on this machine: who answers on loopback with his models.

Nothing but the list of models is asked for, and nothing is used: whoever looks tells
the user. What some other server says on these ports is no such list.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

#: All servers are asked at once, and none is waited for longer.
LIMIT_S: Final = 0.3
_LIST_MAX_BYTES: Final = 1 << 20
_EMBEDS: Final = re.compile(
    r"embed|minilm|(^|[/_-])(bge|gte|e5)[-_]|rerank", re.IGNORECASE
)
#: What a server calls itself in its list -> what people call it.
_OWNERS: Final = {
    "library": "Ollama",
    "llamacpp": "llama.cpp",
    "vllm": "vLLM",
    "organization_owner": "LM Studio",
}


@dataclass(frozen=True)
class Known:
    """A server and the port that it takes when nobody says another."""

    name: str
    #: How `./prsnl engines use` names it; None: by its address.
    word: str | None
    port: int


@dataclass(frozen=True)
class Nearby:
    """A server that answered."""

    name: str
    word: str | None
    #: With what the protocol's paths begin, e.g. "http://127.0.0.1:11434/v1".
    base_url: str
    models: tuple[str, ...]

    @property
    def chat_models(self) -> tuple[str, ...]:
        """The models that can be talked to, in the server's order."""
        return chat_models(self.models)

    @property
    def command(self) -> str:
        """What the user types to use it."""
        return f"./prsnl engines use {self.word or self.base_url}"


OLLAMA: Final = Known("Ollama", "ollama", 11434)
SERVERS: Final = (
    OLLAMA,
    Known("LM Studio", None, 1234),
    Known("llama.cpp", None, 8080),
    Known("vLLM", None, 8000),
)


def look(
    servers: Sequence[Known] = SERVERS,
    *,
    but: Collection[int] = (),
    limit_s: float = LIMIT_S,
) -> tuple[Nearby, ...]:
    """The servers that answer, in the order of the table.

    Args:
        servers: Which are looked for.
        but: Ports that are our own.
        limit_s: For all of it together.
    """
    asked = [server for server in servers if server.port not in but]
    return asyncio.run(_look(asked, limit_s)) if asked else ()


def chat_models(models: Sequence[str]) -> tuple[str, ...]:
    """Those that can be talked to, told by their names: the list says no more."""
    return tuple(name for name in models if not _EMBEDS.search(name))


async def _look(servers: Sequence[Known], limit_s: float) -> tuple[Nearby, ...]:
    # One task each, all under one limit: a thread's socket waits by the read, not by
    # the answer, and a server that trickles would hold the user up.
    tasks = [asyncio.ensure_future(_ask(server)) for server in servers]
    await asyncio.wait(tasks, timeout=limit_s)
    found = [task.result() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return tuple(one for one in found if one is not None)


async def _ask(server: Known) -> Nearby | None:
    try:
        rows = rows_of(json.loads(await _body(server.port)))
    except (OSError, ValueError):
        return None
    if rows is None:
        return None
    owner = str(rows[0].get("owned_by", "")) if rows else ""
    name = _OWNERS.get(owner, server.name)
    word = OLLAMA.word if name == OLLAMA.name else None
    models = tuple(str(row["id"]) for row in rows)
    return Nearby(name, word, f"http://127.0.0.1:{server.port}/v1", models)


async def _body(port: int) -> bytes:
    """What a server answers; nothing, unless it is a 200.

    By HTTP/1.0, where an answer ends with its connection and comes in one piece.

    Raises:
        OSError: Nobody listens, or he breaks off.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            b"GET /v1/models HTTP/1.0\r\n"
            b"Host: 127.0.0.1:%d\r\nAccept: application/json\r\n\r\n" % port
        )
        told = bytearray()
        while len(told) < _LIST_MAX_BYTES and (piece := await reader.read(1 << 16)):
            told += piece
    finally:
        writer.close()
    head, _, body = bytes(told).partition(b"\r\n\r\n")
    return body if re.match(rb"HTTP/1\.\d 200\b", head) else b""


def rows_of(told: Any) -> list[dict[str, Any]] | None:
    """The models of a list as the protocol has it; None if it is no such list."""
    if not isinstance(told, dict):
        return None
    rows = told.get("data")
    if rows is None and told.get("object") == "list":
        return []  # an Ollama without a model says null
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    return [row for row in rows if "id" in row]
