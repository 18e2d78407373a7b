"""What keys may do, how they are made, and how soon a revoked one stops."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from prsnl.client import Client
from prsnl.core.errors import ForbiddenError, NotFoundError, UnauthorizedError
from prsnl.wire.access import KeyBody, Scope
from prsnl.wiring import Wiring
from tests.integration.api.conftest import Person, Server, api_over

People = Callable[..., Person]


def accessed(wiring: Wiring, **access: object) -> Wiring:
    """The same wiring with other settings of access."""
    changed = wiring.settings.access.model_copy(update=access)
    return replace(wiring, settings=replace(wiring.settings, access=changed))


def by_id(person: Person) -> dict[UUID, KeyBody]:
    """Every key that an admin sees."""
    found = person.client.keys()
    return {one.id: one for one in found}


def test_a_key_is_made_shown_once_and_kept_as_a_hash(
    server: Server, ada: Person
) -> None:
    name = f"scanner {uuid4().hex}"
    made = ada.client.create_key(owner="somebody", name=name, scopes=[Scope.WRITE])

    listed = by_id(ada)[made.id]
    rows = server.database.run(
        lambda connection: connection.execute(
            "select api_keys::text as row from api_keys where id = %s", [made.id]
        ).fetchall()
    )
    assert made.key.startswith("prsnl_")
    assert (listed.owner, listed.name, listed.scopes) == ("somebody", name, ["write"])
    assert listed.last_used_at is None
    assert not hasattr(listed, "key")
    assert made.key not in str(rows)
    with Client(server.url, made.key) as client:
        assert client.me().owner == "somebody"
    assert by_id(ada)[made.id].last_used_at is not None


def test_each_scope_opens_its_own_door_and_no_other(
    server: Server, people: People
) -> None:
    reader, writer, admin = (people(server, frozenset({scope})) for scope in Scope)
    text = {"content": "A text."}
    doors = [
        ("GET", "/api/items", None),
        ("POST", "/api/background/ai/analyze-content", text),
        ("GET", "/api/keys", None),
    ]

    opened = [
        [
            person.http.request(method, path, json=body).status_code
            for method, path, body in doors
        ]
        for person in (reader, writer, admin)
    ]

    assert opened == [[200, 403, 403], [403, 202, 403], [403, 403, 200]]
    with pytest.raises(ForbiddenError, match=r"`admin`.*--scope admin"):
        reader.client.keys()


def test_a_key_that_is_over_is_refused(server: Server, ada: Person) -> None:
    made = ada.client.create_key(owner="somebody", name="short", expires_in_days=1)
    with Client(server.url, made.key) as client:
        assert client.me().key_id == made.id
    server.database.run(
        lambda connection: connection.execute(
            "update api_keys set expires_at = now() where id = %s", [made.id]
        )
    )
    # Another process: this one remembers for a moment.
    with (
        api_over(server.wiring) as other,
        Client(other.url, made.key) as client,
        pytest.raises(UnauthorizedError, match="has ended"),
    ):
        client.me()


def test_a_revoked_key_stops_within_seconds_in_every_process(
    server: Server, ada: Person
) -> None:
    made = ada.client.create_key(owner="somebody", name="lost")
    with (
        api_over(server.wiring) as other,
        Client(server.url, made.key) as here,
        Client(other.url, made.key) as there,
    ):
        assert here.me().key_id == there.me().key_id == made.id
        assert ada.client.revoke_key(made.id).revoked_at is not None
        with pytest.raises(UnauthorizedError):
            here.me()
        give_up_at = time.monotonic() + 20
        while there._http.get("/api/me").status_code == 200:
            assert time.monotonic() < give_up_at
            time.sleep(0.2)


def test_a_key_that_is_not_there_is_not_revoked(ada: Person) -> None:
    with pytest.raises(NotFoundError, match="no such key"):
        ada.client.revoke_key(UUID(int=0))


def test_keys_cannot_be_guessed_at_speed_and_good_ones_go_on(
    wiring: Wiring, people: People
) -> None:
    with api_over(accessed(wiring, wrong_keys_per_minute=3)) as server:
        ada = people(server)
        assert ada.http.get("/api/me").status_code == 200
        answers = []
        for _ in range(6):
            with server.http(f"prsnl_{uuid4().hex}") as wrong:
                answers.append(wrong.get("/api/me"))

        assert [one.status_code for one in answers] == [401, 401, 401, 429, 429, 429]
        assert int(answers[-1].headers["retry-after"]) <= 20
        assert "PRSNL_WRONG_KEYS_PER_MINUTE" in answers[-1].json()["detail"]
        assert ada.http.get("/api/me").status_code == 200


def test_every_answer_tells_a_browser_not_to_guess_nor_to_frame(
    server: Server, ada: Person
) -> None:
    with server.http(None) as nobody:
        for answer in (
            ada.http.get("/api/items"),
            ada.http.get("/nothing"),
            nobody.get("/api/items"),
            nobody.get("/link"),
            nobody.get("/api/items", headers={"Host": "evil.example"}),
        ):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    ("proxies", "is_believed"),
    [("127.0.0.0/8", True), ("10.1.2.3", False), ("", False)],
)
def test_forwarded_headers_are_believed_from_trusted_proxies_alone(
    wiring: Wiring, people: People, proxies: str, *, is_believed: bool
) -> None:
    with api_over(accessed(wiring, trusted_proxies=proxies)) as server:
        ada = people(server)
        token = ada.http.post("/api/links").json()["url"].partition("#")[2]
        with server.http(None) as page:
            answer = page.post(
                "/link",
                data={"token": token},
                headers={
                    "Origin": server.url,
                    "X-Forwarded-Proto": "https",
                    "X-Forwarded-For": "203.0.113.9",
                },
            )

    assert answer.status_code == 303
    assert ("Secure" in answer.headers["set-cookie"]) is is_believed
