"""The schema's version: what is there, what the code needs, and the way between."""

from __future__ import annotations

import warnings
from importlib.resources import files

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from prsnl.core.db import connect
from prsnl.core.errors import StartError

_MIGRATE_LOCK = 7_214_301


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("prsnl") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def newest() -> str:
    """The version that this code needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def migrate(database_url: str, *, to: str = "head") -> None:
    """Bring the schema to a version; two at once wait for one another.

    Raises:
        StartError: The database cannot be reached, or pgvector is not installed.
    """
    try:
        with connect(database_url) as lock:
            _require_pgvector(lock)
            lock.execute("select pg_advisory_lock(%s)", [_MIGRATE_LOCK])
            engine = create_engine(
                database_url.replace("postgresql://", "postgresql+psycopg://", 1),
                poolclass=NullPool,
            )
            config = _config()
            with engine.connect() as connection:
                config.attributes["connection"] = connection
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    if to == "base" or to < current(lock):
                        command.downgrade(config, to)
                    else:
                        command.upgrade(config, to)
                connection.commit()
    except psycopg.OperationalError as error:
        raise unreachable(error) from error


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
        raise StartError(
            f"The database has schema {found}, newer than this program's {needed}: "
            "update the program on this host."
        )
    raise StartError(
        f"The database has schema {found or 'none'}, this program needs {needed}: "
        "run ./prsnl migrate."
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
