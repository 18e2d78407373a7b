"""What one owner may learn of another, asked of every route that an application has.

The routes are found, not listed: one that is added is asked, too. A path or body
parameter that nobody has taught this module to fill is an error, not a route left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIWebSocketRoute, iter_route_contexts
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from prsnl.web.dependencies import admin, identity

#: So long is a stream that does not end listened to.
LISTEN_S = 1.0
#: Where a list goes on: an id that is compared with, and never looked up.
CURSORS = ("after", "before")
WRITTEN = {"date": "2024-05-12", "date-time": "2024-05-12T10:00:00Z"}
NOT_THERE = 404
FORBIDDEN = 403
_PARAMETER = re.compile(r"{(\w+)}")


class UntaughtError(AssertionError):
    """A parameter that this module does not know how to fill."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method of one path."""

    method: str  # "WS" for a WebSocket
    path: str
    #: Owners are none to it: it needs the scope `admin`, or no key at all.
    is_admins: bool
    is_open: bool
    body: Mapping[str, Any] = field(default_factory=dict)
    query: tuple[Mapping[str, Any], ...] = ()

    @property
    def parameters(self) -> list[str]:
        return _PARAMETER.findall(self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Estate:
    """What an owner has: by the names of the parameters that stand for it."""

    #: Ids, by the parameter's or the field's name.
    ids: Mapping[str, UUID]
    #: Other parameters.
    values: Mapping[str, str]
    #: A word that is in everything of his.
    canary: str
    #: Bodies that a schema does not tell how to make, by the operation.
    bodies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def shown_in(self, text: str) -> list[str]:
        """What a text tells of him."""
        told = [name for name, each in self.ids.items() if str(each) in text]
        return [*told, *([self.canary] if self.canary in text else [])]


def operations(app: FastAPI) -> list[Operation]:
    """Every route of an application, described or not, WebSockets among them."""
    described = app.openapi()
    found = []
    for route in iter_route_contexts(app.routes):
        # `{name:path}` is described as `{name}`.
        path, dependant = route.path_format, getattr(route, "dependant", None)
        if not isinstance(path, str) or not isinstance(dependant, Dependant):
            continue
        calls = set(_calls(dependant))
        if isinstance(route.original_route, APIWebSocketRoute):
            methods = {"WS"}
        else:
            methods = set(route.methods or ())
        for method in sorted(methods):
            told = described["paths"].get(path, {}).get(method.lower(), {})
            found.append(
                Operation(
                    method=method,
                    path=path,
                    is_admins=admin in calls,
                    is_open=identity not in calls,
                    body=_body(described, told),
                    query=tuple(
                        each
                        for each in told.get("parameters", [])
                        if each["in"] == "query" and each.get("required")
                    ),
                )
            )
    return found


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)


def _body(described: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    content = told.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return {} if schema is None else _resolved(described, schema)


def _resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its references and its "or null"."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _resolved(described, described["components"]["schemas"][name])
    if "anyOf" in schema:
        kinds = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return {**schema, **_resolved(described, kinds[0])}
    resolved = dict(schema)
    if "properties" in schema:
        resolved["properties"] = {
            name: _resolved(described, each)
            for name, each in schema["properties"].items()
        }
    if "items" in schema:
        resolved["items"] = _resolved(described, schema["items"])
    return resolved


@dataclass(frozen=True)
class Neighbour:
    """Somebody with a key, who tries what he may not."""

    app: FastAPI
    http: httpx2.Client

    def findings(self, other: Estate) -> list[str]:
        """What he learns of another's, or changes of it; empty if it is nothing."""
        found = []
        for operation in operations(self.app):
            if operation.is_open:
                continue
            found.extend(f"{operation}: {each}" for each in self._try(operation, other))
        return found

    def _try(self, operation: Operation, other: Estate) -> Iterator[str]:
        path, body, kind = request_of(operation, other)
        query = {each["name"]: _query(each, other) for each in operation.query}
        status, text = self._ask(operation.method, path, body, query)
        wanted = FORBIDDEN if operation.is_admins else kind
        if wanted is not None and status != wanted:
            yield f"answers {status} to another's id, not {wanted}"
        if wanted is None and status >= 500:
            yield f"answers {status}"
        # A refusal may say what it was asked for.
        given = f"{path} {json.dumps(body)}"
        for each in other.shown_in(text):
            if str(other.ids.get(each, each)) not in given:
                yield f"tells {each}"
        if kind is not None or any(str(each) in given for each in other.ids.values()):
            yield from self._compare(operation, other, text)

    def _compare(self, operation: Operation, other: Estate, text: str) -> Iterator[str]:
        """Another's id and nobody's are answered alike: one cannot tell them apart."""
        ids = {name: uuid4() for name in other.ids}
        nobody = Estate(ids, other.values, "nobody's", other.bodies)
        path, body, _ = request_of(operation, nobody)
        _, of_nobody = self._ask(operation.method, path, body, {})
        if _without_ids(text) != _without_ids(of_nobody):
            yield f"answers another's id otherwise than nobody's: {text} {of_nobody}"

    def _ask(
        self, method: str, path: str, body: Any, query: dict[str, str]
    ) -> tuple[int, str]:
        if method == "WS":
            return self.listen(path)
        more = {"json": body} if body is not None else {}
        with self.http.stream(
            method, path, params=query, timeout=httpx2.Timeout(30, read=30), **more
        ) as answer:
            if answer.headers.get("content-type", "").startswith("text/event-stream"):
                return answer.status_code, _heard(answer)
            return answer.status_code, answer.read().decode(errors="replace")

    def listen(self, path: str) -> tuple[int, str]:
        """The answer to a handshake; where there is one, what is heard for a while."""
        url = str(self.http.base_url).replace("http", "ws", 1).rstrip("/") + path
        headers = {"Authorization": self.http.headers["Authorization"]}
        heard: list[str] = []
        try:
            with connect(url, additional_headers=headers, proxy=None) as socket:
                while True:
                    heard.append(str(socket.recv(timeout=LISTEN_S)))
        except InvalidStatus as refused:
            body = refused.response.body or b""
            return refused.response.status_code, body.decode(errors="replace")
        except (TimeoutError, ConnectionClosed):
            return 101, "\n".join(heard)


def _heard(answer: httpx2.Response) -> str:
    heard = []
    answer.request.extensions["timeout"]["read"] = LISTEN_S
    try:
        for piece in answer.iter_text():
            heard.append(piece)  # noqa: PERF402 - it ends by the time, not by itself
    except httpx2.ReadTimeout:
        pass
    return "".join(heard)


def request_of(operation: Operation, estate: Estate) -> tuple[str, Any, int | None]:
    """Path, body, and what another's ids in them are answered with.

    None where there is no id, or where one of a list is merely not there.
    """
    wanted = None
    path = operation.path
    for name in operation.parameters:
        if name in estate.ids:
            wanted = NOT_THERE
        path = path.replace(f"{{{name}}}", filled(name, estate))
    if str(operation) in estate.bodies:
        return path, estate.bodies[str(operation)], wanted
    if not operation.body:
        return path, None, wanted
    body = {}
    for name, each in operation.body.get("properties", {}).items():
        is_list = each.get("type") == "array"
        inner = each.get("items", {}) if is_list else each
        if name in CURSORS:
            continue
        if inner.get("format") == "uuid":
            value = filled(name, estate, operation.path)
            body[name] = [value] if is_list else value
            if not is_list:
                wanted = NOT_THERE
        elif name in operation.body.get("required", []):
            body[name] = _example(each)
    return path, body, wanted


def filled(name: str, estate: Estate, path: str = "") -> str:
    """A value for a parameter; a field of a body may be told apart by its path."""
    for known in (f"{path} {name}", name):
        if known in estate.ids:
            return str(estate.ids[known])
    if name in estate.values:
        return estate.values[name]
    raise UntaughtError(
        f"This test does not know how to make a {{{name}}} {path}: give `estate_of` "
        "the id of such a thing, or a value that is nobody's."
    )


def _example(schema: Mapping[str, Any]) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("format") in WRITTEN:
        return WRITTEN[schema["format"]]
    kind = str(schema.get("type"))
    if kind == "array":
        return [_example(schema.get("items", {}))]
    if kind == "object":
        wanted = schema.get("required", [])
        return {name: _example(schema["properties"][name]) for name in wanted}
    least = schema.get("minimum", 1)
    return {"integer": least, "number": least, "boolean": False}.get(kind, "x")


def _query(parameter: Mapping[str, Any], estate: Estate) -> str:
    if parameter["name"] in estate.ids or parameter["name"] in estate.values:
        return filled(parameter["name"], estate)
    # What is searched for is what must not be found.
    return estate.canary


def _without_ids(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
