"""The tools for a language model, asked by the SDK's own client."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from mcp import StdioServerParameters
from mcp.client.client import Client as McpClient
from mcp.client.streamable_http import streamable_http_client

from prsnl.client import Client
from prsnl.mcp_server.access import KeyRequired
from prsnl.mcp_server.server import Tools, http_app
from tests.integration.api.conftest import Person, Server, serving
from tests.integration.api.test_search import Shelf

NAMES = {"search", "get_item", "get_text", "submit_file", "task_status"}

Work = Callable[[McpClient], Awaitable[Any]]


@pytest.fixture
def address(server: Server) -> Iterator[str]:
    """The tools over HTTP, beside the API."""

    def connect(key: str | None) -> Client:
        return Client(server.url, key)

    hosts = ["127.0.0.1:*"]
    app = http_app(Tools(connect, is_remote=True), hosts=hosts, host="127.0.0.1")
    with serving(KeyRequired(app, connect)) as url:  # type: ignore[arg-type]
        yield f"{url}/mcp"


def over_http(address: str, key: str, work: Work) -> Any:
    """Do something as the caller with a key."""

    async def run() -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
            McpClient(streamable_http_client(address, http_client=http)) as client,
        ):
            return await work(client)

    return asyncio.run(run())


async def ask(client: McpClient, tool: str, **arguments: Any) -> str:
    """A tool's answer; its error as the answer, too."""
    told = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in told.content if part.type == "text")
    return f"ERROR {text}" if told.is_error else text


def found(text: str, name: str) -> str:
    """What an answer says is to be asked next."""
    match = re.search(rf"{name}=(\S+)", text)
    assert match, text
    return match[1]


def test_the_sdks_client_lists_the_tools_and_runs_each(
    server: Server, ada: Person, address: str
) -> None:
    word = f"kettle{uuid4().hex[:6]}"
    Shelf(server, ada.owner).put("manual.pdf", "Nothing.", f"The {word} boils. " * 90)

    async def work(client: McpClient) -> None:
        assert {tool.name for tool in (await client.list_tools()).tools} == NAMES
        hits = await ask(client, "search", query=word)
        assert f"**{word}**" in hits
        assert "#page-2" in hits
        item = await ask(client, "get_item", item_id=found(hits, "item_id"))
        assert item.startswith("manual.pdf")
        file_id = found(hits, "attachment_id")
        text = await ask(
            client,
            "get_text",
            attachment_id=file_id,
            from_page=int(found(hits, "from_page")),
            max_characters=200,
        )
        assert text.startswith(f"[page 2]\nThe {word} boils.")
        assert found(text, "offset") == "200"
        assert len(text) < 300
        sent = await ask(
            client,
            "submit_file",
            file_name="../../etc/note.txt",
            content_base64=base64.b64encode(uuid4().bytes).decode(),
        )
        told = await ask(client, "task_status", task_id=found(sent, "task_id"))
        assert told.startswith("process_document_task: queued")
        assert "note.txt" in await ask(
            client, "get_item", item_id=found(sent, "item_id")
        )

    over_http(address, server.key(ada.owner), work)


def test_no_tool_answers_with_what_is_anothers_or_deleted(
    server: Server, ada: Person, ben: Person, address: str
) -> None:
    word = f"canary{uuid4().hex[:8]}"
    hers = Shelf(server, ada.owner).put("hers.pdf", f"The {word}.")
    task_id = ada.http.post(
        "/api/background/ai/analyze-content", json={"content": f"About {word}."}
    ).json()["task_id"]

    async def look(client: McpClient) -> list[str]:
        return [
            await ask(client, "search", query=word),
            await ask(client, "search", query=word, item_id=str(hers.item_id)),
            await ask(client, "get_item", item_id=str(hers.item_id)),
            await ask(client, "get_text", attachment_id=str(hers.id)),
            await ask(client, "task_status", task_id=task_id),
        ]

    his = over_http(address, server.key(ben.owner), look)
    assert [one for one in his if word in one or "hers.pdf" in one] == []
    assert sum(one.startswith("ERROR") for one in his) == 3
    hers_now = over_http(address, server.key(ada.owner), look)
    assert sum(word in one for one in hers_now) == 3
    ada.client.trash(hers.item_id)
    gone = over_http(address, server.key(ada.owner), look)
    assert [one for one in gone[:4] if word in one or "hers.pdf" in one] == []


def test_without_a_key_that_is_known_not_even_the_tools_are_listed(
    server: Server, ada: Person, address: str
) -> None:
    key = server.key(ada.owner)
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    with httpx2.Client(trust_env=False) as http:
        statuses = [
            http.post(address, json=body, headers=headers).status_code
            for headers in (
                {},
                {"Authorization": "Bearer wrong"},
                {"Authorization": f"Bearer {key}", "Host": "evil.example"},
            )
        ]

    assert statuses == [401, 401, 421]


def test_a_caller_from_afar_can_name_no_file_of_this_machine(
    server: Server, ada: Person, address: str
) -> None:
    async def work(client: McpClient) -> list[str]:
        return [
            await ask(client, "submit_path", path="/etc/passwd"),
            await ask(client, "submit_file", file_name="x", path="/etc/passwd"),
        ]

    told = over_http(address, server.key(ada.owner), work)

    assert all(one.startswith("ERROR") for one in told)


def test_on_standard_input_only_files_of_named_folders_are_taken(
    server: Server, ada: Person, tmp_path: Path
) -> None:
    allowed = tmp_path / "allowed"
    allowed.mkdir()
    (allowed / "note.txt").write_text(f"A note {uuid4()}.")
    (tmp_path / "secret.txt").write_text("secret")
    (allowed / "link.txt").symlink_to(tmp_path / "secret.txt")
    source = str(Path(__file__).parents[3] / "src")
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "prsnl", "mcp", "--files", str(allowed)],
        env={
            **os.environ,
            "PYTHONPATH": source,
            "PRSNL_SERVER": server.url,
            "PRSNL_API_KEY": server.key(ada.owner),
        },
    )

    async def run() -> tuple[set[str], list[str]]:
        async with McpClient(parameters) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            told = [
                await ask(client, "submit_path", path=str(path))
                for path in (
                    allowed / "note.txt",
                    allowed / "link.txt",
                    allowed / ".." / "secret.txt",
                    allowed,
                )
            ]
            return names, told

    names, told = asyncio.run(run())

    assert names == {*NAMES, "submit_path"}
    assert told[0].startswith("Kept, and being read.")
    assert ["no such file" in one for one in told] == [False, True, True, True]
