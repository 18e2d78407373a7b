"""`./prsnl migrate`."""

from __future__ import annotations

from prsnl.core import schema
from prsnl.core.errors import SettingsError
from prsnl.core.settings import Settings
from prsnl.terminal.live import print_lines


def main() -> int:
    """Bring the schema of the user's own database up to date.

    Raises:
        SettingsError: No database is named.
        StartError: It cannot be reached, or has no pgvector.
    """
    url = Settings.read().database.database_url
    if url is None:
        raise SettingsError(
            "PRSNL_DATABASE_URL is not set: the embedded database is brought up to "
            "date by every start of ./prsnl up, without this."
        )
    schema.migrate(url.get_secret_value())
    print_lines(f"The schema is {schema.newest()}.")
    return 0
