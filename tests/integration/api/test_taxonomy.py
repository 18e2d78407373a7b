"""The taxonomy over HTTP, and what a person files by hand."""

from __future__ import annotations

from typing import Any

import pytest

from prsnl.engines.taxonomy.contract import Taxonomy
from tests.integration.api.conftest import Person

GARDEN = {"name": "Garden", "description": "Plants and soil.", "words": ["garden*"]}
OWN = {"categories": [GARDEN], "document_types": []}


def note(person: Person) -> dict[str, Any]:
    answer = person.http.post("/api/items", json={"text": "A note.", "process": False})
    return dict(answer.json()["item"])


def test_the_default_holds_until_an_owner_sets_his_own(ada: Person) -> None:
    default = ada.http.get("/api/taxonomy").json()
    assert (default["is_default"], default["updated_at"]) == (True, None)
    assert len(default["document_types"]) >= 25

    kept = ada.http.put("/api/taxonomy", json=OWN)

    assert kept.status_code == 200, kept.text
    now = ada.http.get("/api/taxonomy").json()
    assert now == kept.json()
    assert not now["is_default"]
    assert [one["name"] for one in now["categories"]] == ["Garden"]
    assert ada.http.get("/api/taxonomy?default=true").json() == default
    back = {name: default[name] for name in ("categories", "document_types")}
    assert ada.http.put("/api/taxonomy", json=back).json()["is_default"]


@pytest.mark.parametrize(
    ("taxonomy", "field", "said"),
    [
        ({"categories": []}, "document_types", "Field required"),
        (
            {**OWN, "categories": [GARDEN, {**GARDEN, "name": "garden"}]},
            "",
            "categories: garden is there twice",
        ),
        (
            {**OWN, "categories": [{**GARDEN, "words": ["a*b"]}]},
            "categories.0.words.0",
            "a star stands at the beginning or the end",
        ),
        (
            {**OWN, "categories": [{**GARDEN, "name": "uncategorised"}]},
            "categories.0.name",
            "take another",
        ),
        (
            {**OWN, "categories": [{**GARDEN, "wrods": []}]},
            "categories.0.wrods",
            "Extra inputs",
        ),
    ],
)
def test_a_wrong_taxonomy_is_refused_where_it_is_wrong(
    ada: Person, taxonomy: dict[str, Any], field: str, said: str
) -> None:
    answer = ada.http.put("/api/taxonomy", json=taxonomy)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert field in error["field"]
    assert said in error["message"]


def test_a_person_files_an_item_and_finds_it_there(ada: Person) -> None:
    item = note(ada)
    url = f"/api/items/{item['id']}"
    assert item["category"] is None

    filed = ada.http.patch(url, json={"category": "HOUSING"}).json()

    assert (filed["category"], filed["category_source"]) == ("housing", "user")
    assert filed["category_confidence"] is None
    assert "category" in filed["user_fields"]
    found = ada.http.get("/api/items?category=housing").json()["items"]
    assert [one["id"] for one in found] == [item["id"]]
    assert ada.http.get("/api/items?category=uncategorised").json()["items"] == []
    ada.http.patch(url, json={"category": None})
    none = ada.http.get("/api/items?category=uncategorised").json()["items"]
    assert [one["id"] for one in none] == [item["id"]]


def test_a_category_that_is_none_is_refused_with_those_there_are(ada: Person) -> None:
    ada.http.put("/api/taxonomy", json=OWN)

    answer = ada.http.patch(f"/api/items/{note(ada)['id']}", json={"category": "sea"})

    assert answer.status_code == 422
    assert answer.json()["detail"] == (
        "There is no category sea: give one of Garden, or add it with PUT "
        "/api/taxonomy."
    )


def test_categories_of_several_are_asked_for_at_once(ada: Person, ben: Person) -> None:
    url = "/api/background/ai/smart-categorization"
    own, others = note(ada)["id"], note(ben)["id"]

    answer = ada.http.post(
        url, json={"content_items": [own, {"id": own}, {"content": "The rent is due."}]}
    )
    of_another = ada.http.post(url, json={"content_items": [own, others]})

    assert answer.status_code == 202, answer.text
    assert of_another.status_code == 404
    assert of_another.json()["detail"] == f"There is no such item: {others}."
    for wrong in ([], [{}], ["no id"], [{"content": ""}], [{"id": None}]):
        refused = ada.http.post(url, json={"content_items": wrong})
        assert refused.status_code == 422


def test_a_program_sets_its_taxonomy_and_asks_for_categories(ada: Person) -> None:
    own = Taxonomy.model_validate(OWN)

    assert ada.client.set_taxonomy(own).categories == own.categories
    assert not ada.client.taxonomy().is_default
    assert ada.client.taxonomy(default=True).is_default
    accepted = ada.client.categorize([note(ada)["id"]], contents=["The rent is due."])
    status = ada.http.get(accepted.monitor_url).json()
    assert status["name"] == "smart_categorization_task"
