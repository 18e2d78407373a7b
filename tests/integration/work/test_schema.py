"""The schema: forward, back and forward again; and what its check says."""

from __future__ import annotations

import threading

import pytest

from prsnl.core import schema
from prsnl.core.db import Row, connect
from prsnl.core.errors import StartError


def shape(url: str) -> list[Row]:
    """Every column, index, view and function of ours."""
    with connect(url) as connection:
        return connection.execute(
            """
            select table_name || '.' || column_name as name, data_type as what
            from information_schema.columns where table_schema = 'public'
            union all
            select indexname, indexdef from pg_indexes where schemaname = 'public'
            union all
            select conname, pg_get_constraintdef(oid) from pg_constraint
            where connamespace = 'public'::regnamespace
            union all
            select proname, pg_get_functiondef(oid) from pg_proc
            where proname like 'prsnl%%'
            order by 1, 2
            """
        ).fetchall()


def test_the_schema_goes_forward_back_and_forward_again(
    empty_database_url: str,
) -> None:
    schema.migrate(empty_database_url)
    first = shape(empty_database_url)
    schema.migrate(empty_database_url, to="base")
    below = [
        row for row in shape(empty_database_url) if "alembic" not in str(row["name"])
    ]
    schema.migrate(empty_database_url)

    assert below == []
    assert shape(empty_database_url) == first
    assert any(row["name"] == "tasks.claim_no" for row in first)


def test_each_step_can_be_gone_back_alone(empty_database_url: str) -> None:
    schema.migrate(empty_database_url, to="0001")
    after_one = shape(empty_database_url)
    schema.migrate(empty_database_url)
    schema.migrate(empty_database_url, to="0001")

    assert shape(empty_database_url) == after_one


def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    schema.migrate(empty_database_url)
    first = shape(empty_database_url)
    schema.migrate(empty_database_url)

    assert shape(empty_database_url) == first


def test_two_that_migrate_at_once_wait_for_one_another(empty_database_url: str) -> None:
    failures: list[Exception] = []

    def migrate() -> None:
        try:
            schema.migrate(empty_database_url)
        except Exception as error:  # noqa: BLE001 - told by the assert
            failures.append(error)

    threads = [threading.Thread(target=migrate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    schema.check(empty_database_url)


def test_a_schema_that_fits_is_accepted(database_url: str) -> None:
    schema.check(database_url)


def test_without_a_schema_the_check_says_what_to_run(empty_database_url: str) -> None:
    with pytest.raises(StartError) as told:
        schema.check(empty_database_url)

    assert str(told.value) == (
        "The database has schema none, this program needs "
        f"{schema.newest()}: run ./prsnl migrate."
    )


def test_an_older_schema_is_told_with_the_command(empty_database_url: str) -> None:
    schema.migrate(empty_database_url, to="0001")

    with pytest.raises(StartError, match=r"has schema 0001.*run \./prsnl migrate"):
        schema.check(empty_database_url)


@pytest.mark.parametrize("how", [schema.check, schema.migrate])
def test_a_newer_schema_asks_for_a_newer_program(
    database_url: str, how: object
) -> None:
    """And is never walked back by an old program."""
    with connect(database_url) as connection:
        connection.execute("update alembic_version set version_num = '9999'")

    with pytest.raises(StartError, match=r"schema 9999, newer.*update the program"):
        how(database_url)  # type: ignore[operator]


def test_a_database_that_does_not_answer_is_one_sentence_without_a_password() -> None:
    with pytest.raises(StartError, match="PRSNL_DATABASE_URL cannot be used") as told:
        schema.check("postgresql://ada:secret@127.0.0.1:1/none")

    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)
