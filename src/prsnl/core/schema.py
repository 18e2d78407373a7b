"""The schema's version: what is there, what the code needs, and the way between."""

from __future__ import annotations

import warnings
from importlib.resources import files

import psycopg

from prsnl.core.db import connect
from prsnl.core.errors import StartError

_MIGRATE_LOCK = 7_214_301


def newest() -> str:
    """The version that this code needs: the number of its last step."""
    steps = (files("prsnl") / "migrations" / "versions").iterdir()
    return max(step.name[:4] for step in steps if step.name[:4].isdecimal())


def migrate(database_url: str, *, to: str = "head") -> None:
    """Bring the schema to a version; two at once wait for one another.

    Raises:
        StartError: The database cannot be reached, has no pgvector, or is newer than
            this program.
    """
    try:
        with connect(database_url) as lock:
            _require_pgvector(lock)
            lock.execute("select pg_advisory_lock(%s)", [_MIGRATE_LOCK])
            found = current(lock)
            if found > newest():
                raise _too_new(found)
            if to != "head" or found < newest():
                _walk(database_url, found, to)
    except psycopg.OperationalError as error:
        raise unreachable(error) from error


def is_behind(database_url: str) -> bool:
    """Whether a database is to be migrated first.

    Raises:
        StartError: It cannot be reached.
    """
    try:
        with connect(database_url) as connection:
            return current(connection) < newest()
    except psycopg.OperationalError as error:
        raise unreachable(error) from error


def _walk(database_url: str, found: str, to: str) -> None:
    # Few processes need these, and those without them are lighter by 20 MB.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from sqlalchemy import create_engine  # noqa: PLC0415
    from sqlalchemy.pool import NullPool  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(files("prsnl") / "migrations"))
    config.set_main_option("path_separator", "os")
    engine = create_engine(
        database_url.replace("postgresql://", "postgresql+psycopg://", 1),
        poolclass=NullPool,
    )
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        config.attributes["connection"] = connection
        if to == "base" or to < found:
            command.downgrade(config, to)
        else:
            command.upgrade(config, to)
        connection.commit()


def check(database_url: str) -> None:
    """Make sure that this code and the schema fit.

    Raises:
        StartError: They do not; the message has the command that mends it.
    """
    try:
        with connect(database_url) as connection:
            _require_pgvector(connection)
            found = current(connection)
    except psycopg.OperationalError as error:
        raise unreachable(error) from error
    needed = newest()
    if found == needed:
        return
    if found > needed:
        raise _too_new(found)
    raise StartError(
        f"The database has schema {found or 'none'}, this program needs {needed}: "
        "run ./prsnl migrate."
    )


def _too_new(found: str) -> StartError:
    return StartError(
        f"The database has schema {found}, newer than this program's {newest()}: "
        "update the program on this host."
    )


def unreachable(error: psycopg.OperationalError) -> StartError:
    """One sentence for a database that cannot be used, without its password."""
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else "?"
    return StartError(
        f"The database of PRSNL_DATABASE_URL cannot be used: {first_line}"
    )


def current(connection: psycopg.Connection[dict[str, object]]) -> str:
    """The version that a database has; empty if it has none."""
    row = connection.execute("select to_regclass('alembic_version') as t").fetchone()
    if row is None or row["t"] is None:
        return ""
    row = connection.execute("select version_num as v from alembic_version").fetchone()
    return str(row["v"]) if row else ""


def _require_pgvector(connection: psycopg.Connection[dict[str, object]]) -> None:
    row = connection.execute(
        "select 1 as ok from pg_available_extensions where name = 'vector'"
    ).fetchone()
    if row is None:
        raise StartError(
            "The database has no pgvector: install the package of pgvector for this "
            "PostgreSQL server (often postgresql-NN-pgvector), then start again."
        )
