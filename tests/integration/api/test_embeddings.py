"""Vectors over HTTP: by name, page by page, as numbers and as bytes."""

from __future__ import annotations

import base64
import struct
from uuid import UUID, uuid4

import pytest

from prsnl.ai_processing.embedding import LOCAL, LOCAL_LIMITS
from prsnl.ai_processing.embedding_quote import Choice, EmbeddingQuoter
from prsnl.ai_processing.embedding_specs import EmbedTexts, TextToEmbed
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.engines.prices import Prices
from prsnl.engines.reach import Endpoint, Reach
from prsnl.items.vectors import ModelName
from prsnl.work.limits import Limits
from prsnl.work.quoting import Quoter
from tests.integration.ai_processing.test_embeddings import Desk
from tests.integration.api.conftest import Person, Server

PATH = "/api/background/ai/generate-embeddings-batch"


@pytest.fixture
def desk(server: Server) -> Desk:
    return Desk(server.database, server.wiring.storage)


def embedded(desk: Desk, person: Person, texts: list[tuple[str, str]]) -> UUID:
    task_id = person.client.embed_texts(texts).task_id
    task = desk.execute(task_id, person.owner)
    assert task.status == "success", task.error
    return task_id


def test_every_text_has_its_vector_under_its_name(desk: Desk, ada: Person) -> None:
    """Three pages of the client's; the same text twice is one vector with two names."""
    texts = [(f"text {number}", f"Number {number % 400}.") for number in range(450)]
    task_id = embedded(desk, ada, texts)

    found = list(ada.client.vectors(task_id))

    assert [one.id for one in found] == [name for name, _ in texts]
    assert found[0].embedding == found[400].embedding
    assert {(one.model, one.dimensions) for one in found} == {("fake-embed", 8)}
    (only,) = ada.client.vectors(task_id, names=["text 7"])
    assert struct.pack("<8f", *only.embedding) == desk.model.vector("Number 7.")


def test_a_vector_comes_as_bytes_where_that_is_asked(desk: Desk, ada: Person) -> None:
    task_id = embedded(desk, ada, [("a", "One.")])

    answer = ada.http.get(
        "/api/embeddings", params={"task_id": str(task_id), "encoding": "base64"}
    ).json()

    (one,) = answer["items"]
    assert base64.b64decode(one["embedding"]) == desk.model.vector("One.")
    assert answer["next"] is None


def test_there_are_vectors_once_the_task_has_ended_and_for_its_owner(
    desk: Desk, ada: Person, ben: Person
) -> None:
    waiting = ada.client.embed_texts([("a", "One.")]).task_id

    with pytest.raises(ConflictError, match="queued"):
        list(ada.client.vectors(waiting))
    with pytest.raises(NotFoundError):
        list(ada.client.vectors(uuid4()))
    desk.execute(waiting, ada.owner)
    with pytest.raises(NotFoundError):
        list(ben.client.vectors(waiting))


@pytest.mark.parametrize(
    "body",
    [
        {"items": []},
        {"items": [{"id": "a", "content": ""}]},
        {"items": [{"id": "a", "content": " \n"}]},
        {"items": [{"id": "a"}]},
        {"items": [{"id": "a", "content": "x", "owner": "ben"}]},
        {"items": [{"id": "a", "content": "x"}], "model": "other"},
        {"items": [{"id": "a", "content": "x\0y"}]},
    ],
)
def test_what_is_no_request_is_refused_at_once(
    ada: Person, body: dict[str, object]
) -> None:
    answer = ada.http.post(PATH, json=body)

    assert answer.status_code == BAD_REQUEST
    assert answer.json()["errors"]


BAD_REQUEST = 422


def test_a_dry_run_tells_what_is_left_to_do_and_queues_nothing(ada: Person) -> None:
    items = [{"id": str(n), "content": f"Number {n % 70}."} for n in range(90)]

    answer = ada.http.post(PATH, params={"dry_run": True}, json={"items": items})

    told = answer.json()
    assert (answer.status_code, told["chunks"], told["usd"]) == (200, 2, 0.0)
    assert told["sentence"].startswith("Nothing leaves this machine")
    assert ada.http.get("/api/background/tasks").json()["items"] == []


def test_a_provider_is_quoted_for_what_has_no_vector_and_may_leave(desk: Desk) -> None:
    name = ModelName("openai", "text-embedding-3-small")
    endpoint = Endpoint("openai", "api.openai.com", Reach.CLOUD, name.name)
    usual = Choice(name, desk.model.limits, lambda: endpoint)
    quoter = EmbeddingQuoter(usual, Choice(LOCAL, LOCAL_LIMITS))
    prices = Quoter(limits=Limits(), prices=Prices())
    items = (TextToEmbed(id="a", content="x" * 3500),)
    with desk.database.connection() as connection:
        told = [
            quoter.quote(
                connection,
                EmbedTexts(items=items, local_only=local_only),
                prices,
                owner="quoted",
            )
            for local_only in (False, True)
        ]

    assert [(one.model, one.tokens_in) for one in told] == [
        ("openai/text-embedding-3-small", 1000),
        (None, 0),
    ]
    assert told[0].usd == pytest.approx(0.00002)
