"""What `./prsnl engines use` is told, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from prsnl.core.errors import BadRequestError
from prsnl.engines.inventory.model_list import AZURE_API_VERSION, OPENAI_URL, Provider
from prsnl.engines.inventory.nearby import OLLAMA
from prsnl.terminal.summary import one_line

#: What may be asked for, besides `extractive`.
WORDS: Final = (
    "ollama[:MODEL], openai[:MODEL], azure:DEPLOYMENT, extractive, or the URL of a "
    "server that speaks OpenAI's protocol"
)
_OLLAMA_URL: Final = f"http://127.0.0.1:{OLLAMA.port}/v1"
NAME_CHARACTERS: Final = 80


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the user asked for."""

    what: str
    url: str | None = None
    model: str | None = None
    api_version: str | None = None
    key_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the words mean."""

    provider: Provider
    base_url: str
    model: str | None
    api_version: str | None = None
    is_ollama: bool = False

    @property
    def wants_key(self) -> bool:
        """Whether the provider answers nobody without one."""
        return self.provider in {"openai", "azure"}

    @property
    def host(self) -> str:
        """Its name, and its port where it is not the usual one."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]


def understood(wanted: Wanted) -> Choice:
    """What the words mean.

    Raises:
        BadRequestError: They mean nothing, or leave something out.
    """
    word, _, after = wanted.what.partition(":")
    model = wanted.model or (after or None)
    match word.lower():
        case "ollama":
            return Choice(
                provider="compatible",
                base_url=_address(wanted.url or _OLLAMA_URL),
                model=model,
                is_ollama=True,
            )
        case "openai":
            return Choice(
                provider="openai",
                base_url=_address(wanted.url or OPENAI_URL),
                model=model,
            )
        case "azure":
            return _azure(wanted, model)
        case "http" | "https":
            return Choice(
                provider="compatible",
                base_url=_address(wanted.what),
                model=wanted.model,
            )
    raise BadRequestError(
        f"{one_line(wanted.what, characters=NAME_CHARACTERS)} is no engine that can "
        f"be chosen: there are {WORDS}."
    )


def _azure(wanted: Wanted, model: str | None) -> Choice:
    if wanted.url is None or model is None:
        raise BadRequestError(
            "Of Azure the resource and the deployment are needed: ./prsnl engines use "
            "azure:DEPLOYMENT --url https://RESOURCE.openai.azure.com"
        )
    return Choice(
        provider="azure",
        base_url=_address(wanted.url),
        model=model,
        api_version=wanted.api_version or AZURE_API_VERSION,
    )


def _address(given: str) -> str:
    """An address as the settings have it.

    Raises:
        BadRequestError: It is none, or has a password in it.
    """
    try:
        parts = urlsplit(given.strip())
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
        _ = parts.port  # out of range, or no number
    except ValueError:
        is_address = False
    if not is_address:
        raise BadRequestError(
            f"{one_line(given, characters=NAME_CHARACTERS)} is no address of a "
            "server: it begins with http:// or https://."
        )
    if parts.username or parts.password:
        raise BadRequestError(
            "A key does not belong into the address: leave it out, and you are asked "
            "for it."
        )
    # As it is copied from a page that shows a whole request.
    return given.strip().rstrip("/").removesuffix("/chat/completions")
