"""The settings of the service itself: where it keeps, listens, and carries."""

from __future__ import annotations

import os
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path

import platformdirs
from pydantic import Field, SecretStr, ValidationInfo, field_validator

from prsnl.core.settings.concern import GIB, MIB, Concern, Seconds


def default_data_dir() -> Path:
    """The user's data folder; as root one that the database's own user can enter."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/prsnl")
    return Path(platformdirs.user_data_dir("prsnl", appauthor=False))


class Storage(Concern):
    """Where things are kept."""

    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="Everything of the embedded stack, uploads, keys.",
    )
    storage_url: str | None = Field(
        None,
        description="`file:///FOLDER` or `s3://BUCKET/PREFIX` for uploads and results; "
        "default: a folder in data_dir.",
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


class Database(Concern):
    """The PostgreSQL that decides."""

    database_url: SecretStr | None = Field(
        None, description="`postgresql://...`; default: the embedded one."
    )


class Broker(Concern):
    """The broker that carries."""

    broker_url: SecretStr | None = Field(
        None,
        description="`redis://...`, `rediss://...`, `amqp://...` or `amqps://...`; "
        "default: the embedded one.",
    )


class Server(Concern):
    """Where the API listens, and where the CLI finds it."""

    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port the API listens on.")
    requests_at_once: int = Field(
        2000,
        ge=1,
        description="Requests and streams that an API process has open; one more is a "
        "503.",
    )
    uploads_at_once: int = Field(
        32,
        ge=1,
        description="Files on their way into an API process; one more is a 503.",
    )
    request_memory_bytes: int = Field(
        256 * MIB,
        ge=64 * MIB,
        description="Bodies that an API process reads whole at once, in bytes; one "
        "more is a 503.",
    )
    request_silence_s: Seconds = Field(
        timedelta(seconds=30),
        description="A request that stays away for so long before it is whole is ended "
        "(408).",
    )
    request_bytes_per_s: int = Field(
        512,
        ge=0,
        description="A body that comes more slowly, after 15 s, is ended (408).",
    )
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


class Access(Concern):
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


class Work(Concern):
    """How tasks are leased, retried and carried."""

    lease_s: Seconds = Field(
        timedelta(seconds=30),
        description="A worker that is silent for so long has lost its tasks.",
    )
    retry_waits_scale: float = Field(
        1.0, ge=0, description="Multiplies the waits between retries."
    )
    task_time_scale: float = Field(
        1.0,
        gt=0,
        description="Multiplies the time that a task may take as a whole (an hour for "
        "a document).",
    )
    owner_running_max: int | None = Field(
        None,
        ge=1,
        description="Tasks of one owner that run at once, over all queues.",
    )
    owner_queued_max: int | None = Field(
        None,
        ge=1,
        description="Tasks of one owner that may wait; one more is a 429. The parts of "
        "a task count with it.",
    )
    queue_running_max: str | None = Field(
        None,
        description="Tasks of a queue that run at once, such as "
        "`media_processing=1,ai_processing=8`.",
    )
    queue_queued_max: str | None = Field(
        None,
        description="Tasks that may wait in a queue, such as `ai_processing=5000`; one "
        "more is a 429.",
    )
    worker_concurrency: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Most worker processes of the CPU queues; default: one a core, "
        "two at least and eight at most.",
    )
    workers_min: int = Field(
        1,
        ge=1,
        le=256,
        description="So many of them stay when there is nothing to do.",
    )
    workers_idle_s: Seconds = Field(
        timedelta(seconds=30),
        description="One that is too many leaves after so long.",
    )

    @field_validator("workers_min")
    @classmethod
    def _no_more_than_the_most(cls, value: int, info: ValidationInfo) -> int:
        most = info.data.get("worker_concurrency")
        if most is not None and value > most:
            raise ValueError(f"it is above PRSNL_WORKER_CONCURRENCY, which is {most}")
        return value

    resend_after_s: Seconds = Field(
        timedelta(seconds=10), description="A hint that nobody took is sent again."
    )
    provider_probe_s: Seconds = Field(
        timedelta(seconds=5),
        description="First wait before a provider that is down is tried again.",
    )


class Watch(Concern):
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


class Webhooks(Concern):
    """Who is told when work ends."""

    notify_url: SecretStr | None = Field(
        None,
        max_length=2000,
        description="Is told when work has ended: one message for all of it.",
    )
    notify_secret: SecretStr | None = Field(
        None, description="Those messages are signed with it."
    )
    notify_owner: str = Field(
        "owner", min_length=1, description="Whose work they tell of; the first key's."
    )
    webhook_hosts: str | None = Field(
        None,
        description="Private hosts, addresses or networks that webhooks may reach, "
        "with commas between.",
    )

    @field_validator("notify_url")
    @classmethod
    def _is_address(cls, value: SecretStr | None) -> SecretStr | None:
        told = "https://" if value is None else value.get_secret_value()
        if not told.startswith(("https://", "http://")):
            raise ValueError("it is to begin with https:// or http://")
        return value

    @property
    def hosts(self) -> tuple[str, ...]:
        """The private hosts that webhooks may reach."""
        given = (self.webhook_hosts or "").split(",")
        return tuple(each.strip() for each in given if each.strip())


class Logs(Concern):
    """How the processes speak."""

    log_format: str = Field(
        "console", pattern="^(console|json)$", description="`console` or `json`."
    )
    log_level: str = Field(
        "info",
        pattern="^(debug|info|warning|error)$",
        description="`debug`, `info`, `warning` or `error`.",
    )


class Flower(Concern):
    """Celery's own view of the workers."""

    flower: bool = Field(
        default=False,
        description="`true`: workers tell what Flower shows; costs them some speed.",
    )
    flower_port: int = Field(
        5555, ge=1, le=65535, description="Port that Flower listens on."
    )
    flower_password: SecretStr | None = Field(
        None,
        description="Of its user `prsnl`; default: one in data_dir, `flower-password`.",
    )
