"""Which language model answers, by the settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.prompts import FOLDER, Prompts
from prsnl.core.errors import ProviderRejectedError, SettingsError
from prsnl.core.settings import Settings
from prsnl.core.settings.engines import Llm
from prsnl.engines.llm.table import OPENAI_URL, Access, LazyEngine
from prsnl.engines.reach import Reach

#: What a model reads and writes at once, in tokens: large ones read far more, but a
#: model on one's own machine is often set to less than it could.
_CONTEXT_TOKENS: Final = 32_000
_CONTEXT_TOKENS_HERE: Final = 8_000
_SCHEMES: Final = ("http", "https", "unix")


def language_model(settings: Settings) -> LanguageModel | None:
    """The language model; None where there is none, and the local engine does it.

    Where nothing may leave this machine, a model elsewhere is none.

    Raises:
        SettingsError: Something that the provider needs is missing; it names what.
    """
    own = settings.llm
    access = llm_access(settings)
    if access is None:
        return None
    model = own.llm_model or ""
    cheap = own.llm_cheap_model or model
    usual = _CONTEXT_TOKENS_HERE if access.provider == "compatible" else _CONTEXT_TOKENS
    endpoints = {"analysis": access.endpoint(model), "cheap": access.endpoint(cheap)}
    is_here = all(one.reach is Reach.LOCAL for one in endpoints.values())
    if settings.privacy.local_only and not is_here:
        return None
    return LanguageModel(
        lazy=LazyEngine(access),
        endpoints=endpoints,
        prompts=Prompts(settings.storage.folder / FOLDER),
        context_tokens=own.llm_context_tokens or usual,
        thinking_tokens=own.llm_thinking_tokens,
    )


@contextmanager
def opened(settings: Settings) -> Iterator[LanguageModel | None]:
    """The language model of a process; its connections are closed at the end."""
    model = language_model(settings)
    try:
        yield model
    finally:
        if model is not None:
            model.lazy.close()


def llm_access(settings: Settings) -> Access | None:
    """How the provider is asked; None where there is none.

    Raises:
        SettingsError: Something that it needs is missing; it names what.
    """
    own = settings.llm
    provider = own.provider
    if provider == "extractive":
        return None
    base_url = own.llm_base_url or (OPENAI_URL if provider == "openai" else None)
    if base_url is None:
        raise SettingsError(
            f"PRSNL_LLM_BASE_URL is not set, and {provider} needs it: "
            + (
                "the address of your resource, such as https://NAME.openai.azure.com."
                if provider == "azure"
                else "the address of the server, such as http://127.0.0.1:11434/v1."
            )
        )
    _require_address(base_url)
    if provider == "azure" and not own.llm_api_version:
        raise SettingsError(
            "PRSNL_LLM_API_VERSION is not set, and azure needs it: set it as your "
            "deployment's page shows it, such as 2024-10-21."
        )
    if not own.llm_model:
        raise SettingsError(
            f"PRSNL_LLM_MODEL is not set, and {provider} needs it: the name of "
            + ("your deployment." if provider == "azure" else "a model that it has.")
        )
    has_key = own.llm_api_key is not None or own.llm_token_file is not None
    if provider != "compatible" and not has_key:
        raise SettingsError(
            f"PRSNL_LLM_API_KEY is not set, and {provider} needs a key: set it, or "
            "PRSNL_LLM_TOKEN_FILE."
        )
    return Access(
        provider=provider,
        base_url=base_url,
        key=_key(own),
        has_token=own.llm_token_file is not None,
        api_version=own.llm_api_version,
        timeout_s=own.llm_timeout_s.total_seconds(),
        local_hosts=settings.privacy.hosts,
    )


def _key(own: Llm) -> Callable[[], str]:
    if own.llm_token_file is not None:
        path: Path = own.llm_token_file
        return lambda: _token(path)
    key = own.llm_api_key.get_secret_value() if own.llm_api_key else ""
    return lambda: key


def _token(path: Path) -> str:
    try:
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _no_token() from error
    if not token:
        raise _no_token()
    return token


def _no_token() -> ProviderRejectedError:
    return ProviderRejectedError(
        "The file that PRSNL_LLM_TOKEN_FILE names holds no token that can be read: "
        "have it written anew, then retry."
    )


def _require_address(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        is_fine = parts.scheme in _SCHEMES and bool(parts.hostname or parts.path)
        is_fine = is_fine and (parts.port is None or parts.port > 0)
    except ValueError:
        is_fine = False
    if not is_fine:
        raise SettingsError(
            "PRSNL_LLM_BASE_URL is no address: it begins with http://, https:// or "
            "unix:, such as http://127.0.0.1:11434/v1."
        )
