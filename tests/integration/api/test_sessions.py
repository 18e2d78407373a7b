"""A one-use link becomes a browser's session, once; and the session ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import httpx2

from prsnl.api import make_app
from prsnl.web.dependencies import Caller
from prsnl.wiring import Wiring
from tests.integration.api.conftest import Person, Server, api_over, serving

HTML = {"Accept": "text/html,application/xhtml+xml"}


def link_of(person: Person) -> str:
    """A new link's token."""
    answer = person.http.post("/api/links")
    assert answer.status_code == 201
    return str(answer.json()["url"].partition("#")[2])


def browser(server: Server, **headers: str) -> httpx2.Client:
    """A browser on the server's page: no key, and an origin of its own."""
    return httpx2.Client(
        base_url=server.url,
        headers={"Origin": server.url, "User-Agent": "A phone", **headers},
        timeout=60,
        trust_env=False,
    )


def sign_in(page: httpx2.Client, token: str) -> httpx2.Response:
    return page.post("/link", data={"token": token})


def test_a_link_signs_a_browser_in(server: Server, ada: Person) -> None:
    with browser(server) as page:
        answer = sign_in(page, link_of(ada))

        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert page.get("/api/me").json()["owner"] == ada.owner
        listed = ada.http.get("/api/sessions").json()["items"]
        assert [one["device"] for one in listed] == ["A phone"]
        assert page.get("/api/sessions").json()["items"][0]["is_this"]


def test_looking_at_a_link_uses_nothing_up(server: Server, ada: Person) -> None:
    """A chat that shows a preview must not sign in, nor leave a dead link behind."""
    token = link_of(ada)
    with browser(server) as page:
        for _ in range(3):
            seen = page.get("/link", headers=HTML)
            assert seen.status_code == 200
            assert token not in seen.text
        assert "set-cookie" not in seen.headers
        assert sign_in(page, token).status_code == 303


def test_a_link_works_once_and_then_says_so(server: Server, ada: Person) -> None:
    token = link_of(ada)
    with browser(server) as first, browser(server) as second:
        assert sign_in(first, token).status_code == 303
        again = sign_in(second, token)
        twice = sign_in(first, token)

    assert again.status_code == 401
    assert "used already" in again.text
    assert "./prsnl link" in again.text
    assert token not in again.text
    assert "set-cookie" not in again.headers
    # The button was pressed twice.
    assert (twice.status_code, twice.headers["location"]) == (303, "/")


def test_a_link_that_is_too_old_or_unknown_says_so(server: Server, ada: Person) -> None:
    token = link_of(ada)
    server.database.run(
        lambda connection: connection.execute(
            "update sign_in_links l set expires_at = now() - interval '1 second' "
            "from api_keys k where k.id = l.key_id and k.owner = %s",
            [ada.owner],
        )
    )
    with browser(server) as page:
        old, unknown, none = (sign_in(page, one) for one in (token, "nonsense", ""))

    assert (old.status_code, unknown.status_code, none.status_code) == (401, 401, 422)
    assert "too old" in old.text
    assert "not known" in unknown.text


def test_another_sites_page_signs_nobody_in(server: Server, ada: Person) -> None:
    """Else it could sign a browser in as somebody else, to read what it uploads."""
    token = link_of(ada)
    for origin in ("null", "https://evil.example", "http://localhost:1"):
        with browser(server, Origin=origin) as page:
            assert sign_in(page, token).status_code == 403
    with server.http(None) as bare:
        assert bare.post("/link", data={"token": token}).status_code == 403


def test_a_cookie_changes_nothing_from_another_page(
    server: Server, ada: Person
) -> None:
    """A page on another port of this machine is the same site for a cookie."""
    with browser(server) as page:
        sign_in(page, link_of(ada))
        path = "/api/background/ai/analyze-content"
        body = {"content": "A text."}

        ours = page.post(path, json=body)
        theirs = page.post(path, json=body, headers={"Origin": "http://127.0.0.1:1"})
        del page.headers["Origin"]
        unsaid = page.post(path, json=body)
        seen = page.get("/api/items")

    assert ours.status_code == 202
    assert (theirs.status_code, unsaid.status_code) == (403, 403)
    assert "PRSNL_PUBLIC_URL" in theirs.json()["detail"]
    assert seen.status_code == 200


def test_a_session_ends_with_its_key(server: Server, ada: Person) -> None:
    with browser(server) as page:
        sign_in(page, link_of(ada))
        key_id = page.get("/api/me").json()["key_id"]
        assert ada.http.delete(f"/api/keys/{key_id}").status_code == 200

        assert page.get("/api/me").status_code == 401
        assert ada.http.get("/api/me").status_code == 401


def test_signing_out_ends_the_session(server: Server, ada: Person) -> None:
    with browser(server) as page:
        sign_in(page, link_of(ada))
        kept = dict(page.cookies)
        out = page.post("/sign-out")

        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert not page.cookies
        assert ada.http.get("/api/sessions").json()["items"] == []
        page.cookies.update(kept)
        assert page.get("/api/me").status_code == 401


def test_one_browser_signs_another_out(
    server: Server, ada: Person, ben: Person
) -> None:
    with browser(server) as page:
        sign_in(page, link_of(ada))
        session_id = page.get("/api/me").json()["session_id"]
        path = f"/api/sessions/{session_id}"

        assert ben.http.get("/api/sessions").json()["items"] == []
        assert ben.http.delete(path).status_code == 404
        assert page.get("/api/me").status_code == 200
        assert ada.http.delete(path).status_code == 200
        assert ada.http.get("/api/sessions").json()["items"] == []


def test_a_person_without_a_session_is_shown_where_to_sign_in(wiring: Wiring) -> None:
    app = make_app(wiring)

    @app.get("/page")
    def page(owner: Caller) -> str:
        return owner

    with serving(app) as url, httpx2.Client(base_url=url, trust_env=False) as person:
        seen = person.get("/page", headers=HTML)
        told = person.get("/page")

    assert (seen.status_code, seen.headers["location"]) == (303, "/sign-in")
    assert told.status_code == 401


def test_with_a_public_https_address_the_cookie_stays_on_https(
    wiring: Wiring, people: Callable[[Server], Person]
) -> None:
    public = wiring.settings.server.model_copy(
        update={"public_url": "https://notes.example.org"}
    )
    settings = replace(wiring.settings, server=public)
    with api_over(replace(wiring, settings=settings)) as server:
        ada = people(server)
        links = ada.http.post("/api/links").json()
        headers = {"Host": "notes.example.org", "Origin": "https://notes.example.org"}
        with browser(server, **headers) as page:
            answer = sign_in(page, links["url"].partition("#")[2])

    assert answer.status_code == 303
    assert "Secure" in answer.headers["set-cookie"]
    assert links["phone_url"].startswith("https://notes.example.org/link#")


def test_a_link_for_a_phone_says_when_no_phone_reaches_the_server(ada: Person) -> None:
    told = ada.http.post("/api/links").json()

    assert told["phone_url"] is None
    assert "PRSNL_HOST" in told["unreachable_because"]
    assert "PRSNL_PUBLIC_URL" in told["unreachable_because"]
