"""What every concern of the settings is made of."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator
from pydantic_settings import BaseSettings, SettingsConfigDict

GIB = 2**30
MIB = 2**20


def _seconds(value: Any) -> Any:
    """A bare number is seconds; pydantic alone would refuse "30" from a variable."""
    try:
        return timedelta(seconds=float(value))
    except (TypeError, ValueError):
        return value


#: A duration; a bare number is seconds.
Seconds = Annotated[timedelta, BeforeValidator(_seconds)]


class Concern(BaseSettings):
    """One concern: frozen, and read from variables that begin with `PRSNL_`."""

    model_config = SettingsConfigDict(
        env_prefix="PRSNL_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )
