"""Every setting: one frozen model a concern, read once.

Values come from environment variables, then from the file that `PRSNL_CONFIG` names,
then from `.env` in the working folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Self, TypeVar, get_type_hints

import platformdirs
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from prsnl.core.errors import SettingsError

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


def default_data_dir() -> Path:
    """The user's data folder; as root one that the database's own user can enter."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/prsnl")
    return Path(platformdirs.user_data_dir("prsnl", appauthor=False))


class _Concern(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="PRSNL_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )


class Storage(_Concern):
    """Where things are kept."""

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Everything of the embedded stack, uploads, keys.",
    )
    storage_url: str | None = Field(
        None, description="`file://` folder for uploads and results; default: data_dir."
    )
    upload_max_bytes: int = Field(
        2 * GIB, ge=1, description="Largest upload, in bytes (413 above it)."
    )
    free_disk_floor_bytes: int = Field(
        256 * MIB, ge=0, description="Uploads stop below this much free disk (507)."
    )
    quota_bytes: int | None = Field(
        None, ge=1, description="Most bytes of files that one owner may keep (429)."
    )

    @property
    def folder(self) -> Path:
        """The data folder, absolute."""
        return self.data_dir.expanduser().absolute()


class Database(_Concern):
    """The PostgreSQL that decides."""

    database_url: SecretStr | None = Field(
        None, description="`postgresql://...`; default: the embedded one."
    )


class Broker(_Concern):
    """The Redis-protocol broker that carries."""

    broker_url: SecretStr | None = Field(
        None, description="`redis://...` or `rediss://...`; default: the embedded one."
    )


class Server(_Concern):
    """Where the API listens, and where the CLI finds it."""

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    public_url: str | None = Field(
        None, description="The address that others reach the API at, if not its own."
    )
    server: str | None = Field(
        None, description="URL of a running server, for the CLI."
    )
    api_key: SecretStr | None = Field(None, description="The key the CLI uses.")
    document_password: SecretStr | None = Field(
        None, description="Opens the protected PDFs of `./prsnl process`."
    )


class Access(_Concern):
    """Who may ask, and how a browser is let in."""

    trusted_proxies: str | None = Field(
        None,
        description="Addresses or networks, with commas between; their "
        "`X-Forwarded-For` and `X-Forwarded-Proto` are believed, no other's.",
    )

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str | None) -> str | None:
        for each in (value or "").split(","):
            if each.strip():
                ip_network(each.strip())
        return value

    @property
    def proxies(self) -> list[str]:
        """The trusted proxies, each an address or a network."""
        given = (self.trusted_proxies or "").split(",")
        return [each.strip() for each in given if each.strip()]

    link_lifetime_s: Seconds = Field(
        timedelta(minutes=10), description="A sign-in link may be used for so long."
    )
    session_days: int = Field(
        30, ge=1, le=400, description="A browser stays signed in for so many days."
    )
    wrong_keys_per_minute: int = Field(
        60,
        ge=1,
        description="Unknown keys that one address may try (429 above it).",
    )
    insecure: bool = Field(
        default=False,
        description="`true` is `--insecure`: start although the database or the "
        "broker lets anybody in.",
    )


class Work(_Concern):
    """How tasks are leased, retried and carried."""

    lease_s: Seconds = Field(
        timedelta(seconds=30),
        description="A worker that is silent for so long has lost its tasks.",
    )
    retry_waits_scale: float = Field(
        1.0, ge=0, description="Multiplies the waits between retries."
    )
    worker_concurrency: int | None = Field(
        None, ge=1, le=256, description="Worker processes of the CPU queues."
    )
    resend_after_s: Seconds = Field(
        timedelta(seconds=10), description="A hint that nobody took is sent again."
    )
    provider_probe_s: Seconds = Field(
        timedelta(seconds=5),
        description="First wait before a provider that is down is tried again.",
    )


class Children(_Concern):
    """What a sandbox child may use."""

    child_memory_bytes: int = Field(
        1536 * MIB, ge=256 * MIB, description="Address space of a child, in bytes."
    )
    child_disk_bytes: int = Field(
        GIB, ge=MIB, description="What a child may write to its scratch, in bytes."
    )
    child_unit_timeout_s: Seconds = Field(
        timedelta(seconds=60), description="Time for one page or unit."
    )
    child_idle_s: Seconds = Field(
        timedelta(seconds=45), description="A warm child is given up after so long."
    )


class Ocr(_Concern):
    """How pictures of text are read."""

    ocr_engine: str = Field(
        "auto",
        pattern="^(auto|tesseract|rapidocr|none)$",
        description="`auto`, `tesseract`, `rapidocr` or `none`.",
    )
    ocr_languages: str | None = Field(
        None,
        description="What scans are written in, such as `de,en`; default: detected.",
    )
    ocr_concurrency: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Pages read at once on this machine; default: its cores, and one a "
        "GiB of memory at most.",
    )
    ocr_memory_bytes: int = Field(
        2 * GIB, ge=512 * MIB, description="Address space of an OCR child, in bytes."
    )
    ocr_page_timeout_s: Seconds = Field(
        timedelta(seconds=120), description="Time for OCR of one page."
    )
    ocr_page_pixels: int = Field(
        20_000_000,
        ge=1_000_000,
        le=100_000_000,
        description="A page is drawn for OCR with at most so many pixels.",
    )


class Embedding(_Concern):
    """How much of a document can be found by its meaning."""

    #: 1.5 million characters, a book of 700 pages: half a minute of one core.
    embedding_passages: int = Field(
        2048,
        ge=32,
        le=1_000_000,
        description="So many passages of a document are embedded, in steps of 32; its "
        "text is kept whole.",
    )


class Watch(_Concern):
    """The folder whose files are taken in by themselves."""

    watch_dir: Path | None = Field(
        None, description="A folder: what is put there is taken in and processed."
    )
    watch_after: str = Field(
        "keep",
        pattern="^(keep|move|delete)$",
        description="Then its files: `keep`, `move` (to `done/`), or `delete`.",
    )
    watch_owner: str = Field(
        "owner", min_length=1, description="Whose items they become; the first key's."
    )
    watch_every_s: Seconds = Field(
        timedelta(seconds=3), description="It is looked at so often."
    )
    watch_still_s: Seconds = Field(
        timedelta(seconds=5), description="A file that did not change so long is whole."
    )


class Logs(_Concern):
    """How the processes speak."""

    log_format: str = Field(
        "console", pattern="^(console|json)$", description="`console` or `json`."
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="`debug`, `info`, `warning` or `error`.",
    )


C = TypeVar("C", bound=_Concern)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All concerns together; only `wiring.py` holds this."""

    storage: Storage
    database: Database
    broker: Broker
    server: Server
    access: Access = field(default_factory=Access)
    work: Work
    children: Children
    logs: Logs
    watch: Watch = field(default_factory=Watch)
    ocr: Ocr = field(default_factory=Ocr)
    embedding: Embedding = field(default_factory=Embedding)

    @classmethod
    def read(cls) -> Self:
        """Read the environment and the files.

        Raises:
            SettingsError: A value is wrong; the message names its variable.
        """
        files = [Path(".env")]
        if named := os.environ.get("PRSNL_CONFIG"):
            if not Path(named).is_file():
                raise SettingsError(
                    f"PRSNL_CONFIG names {named}, and there is no such file."
                )
            files.append(Path(named))
        kinds = cls.concern_types()
        return cls(**{name: _read(kind, files) for name, kind in kinds.items()})

    @classmethod
    def concern_types(cls) -> dict[str, type[Any]]:
        """The model of every concern, by its name here."""
        return get_type_hints(cls)

    def concerns(self) -> list[_Concern]:
        """Every concern, in the order of their declaration."""
        return [getattr(self, each.name) for each in fields(self)]


def _read(concern: type[C], files: list[Path]) -> C:
    try:
        return concern(_env_file=files)
    except ValidationError as error:
        first = error.errors()[0]
        name = "PRSNL_" + "_".join(str(part) for part in first["loc"]).upper()
        raise SettingsError(
            f"{name} is wrong: {first['msg']}. Correct it, or unset it."
        ) from error
