"""Which model makes vectors, by the settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from prsnl.ai_processing.embedding import (
    LOCAL,
    LOCAL_LIMITS,
    Embedder,
    LocalEmbedder,
)
from prsnl.ai_processing.embedding_quote import Choice, EmbeddingQuoter
from prsnl.ai_processing.remote_embedding import RemoteEmbedder
from prsnl.core.errors import SettingsError
from prsnl.core.settings import Settings
from prsnl.engines.embedding.contract import Limits
from prsnl.engines.llm.table import OPENAI_URL, Access, LazyEngine
from prsnl.engines.reach import Reach
from prsnl.items.vector_upkeep import Policy
from prsnl.items.vectors import ModelName
from prsnl.wiring.parts import Parts
from prsnl.work.outside import Gate

_OPENAI_MODEL: Final = "text-embedding-3-small"
_SCHEMES: Final = ("http", "https", "unix")
#: What a provider reads of one text, and what is asked of it at once.
_TEXT_TOKENS: Final = 8191
_BATCH_TEXTS: Final = 128
_BATCH_TOKENS: Final = 16_384


@contextmanager
def embedder(parts: Parts, gate: Gate) -> Iterator[Embedder]:
    """What makes vectors: by the settings' model, or on this machine."""
    local = LocalEmbedder(parts.children, parts.unit_timeout_s)
    with remote_embedder(parts.settings, gate) as remote:
        yield Embedder(parts.database, usual=remote or local, private=local)


@contextmanager
def remote_embedder(settings: Settings, gate: Gate) -> Iterator[RemoteEmbedder | None]:
    """The provider's model; None where the local one is the settings'."""
    access = embedding_access(settings)
    if access is None or not _may_be_used(settings, access):
        yield None
        return
    engine = LazyEngine(access)
    try:
        yield RemoteEmbedder(gate, engine, model_name(settings), _limits(settings))
    finally:
        engine.close()


def quoter(settings: Settings) -> EmbeddingQuoter:
    """What tells what vectors would take."""
    private = Choice(LOCAL, LOCAL_LIMITS)
    access = embedding_access(settings)
    if access is None or not _may_be_used(settings, access):
        return EmbeddingQuoter(private, private)
    name = model_name(settings)
    usual = Choice(name, _limits(settings), partial(access.endpoint, name.name))
    return EmbeddingQuoter(usual, private)


def policy(settings: Settings) -> Policy:
    """Which vectors passages are to have."""
    access = embedding_access(settings)
    passages = settings.embedding.embedding_passages
    if access is None or not _may_be_used(settings, access):
        return Policy(usual=LOCAL, private=LOCAL, is_here=True, passages=passages)
    name = model_name(settings)
    is_here = access.endpoint(name.name).reach is Reach.LOCAL
    return Policy(usual=name, private=LOCAL, is_here=is_here, passages=passages)


def model_name(settings: Settings) -> ModelName:
    """The provider's model, as the settings name it."""
    own = settings.embedding
    model = own.embedding_model or _OPENAI_MODEL
    return ModelName(own.embedding_provider, model, own.embedding_dimensions)


def embedding_access(settings: Settings) -> Access | None:
    """How the provider is asked; None for the local model.

    What is not set for embeddings is the language model's, where that is asked of the
    same provider: no key goes to another address than the one that it is for.

    Raises:
        SettingsError: Something that the provider needs is missing; it names what.
    """
    own, llm = settings.embedding, settings.llm
    provider = own.embedding_provider
    if provider == "local":
        return None
    is_shared = llm.llm_provider == provider and own.embedding_base_url is None
    base_url = own.embedding_base_url or (llm.llm_base_url if is_shared else None)
    if base_url is None and provider == "openai":
        base_url = OPENAI_URL
    key = own.embedding_api_key or (llm.llm_api_key if is_shared else None)
    if base_url is None:
        raise _missing("BASE_URL", provider, "the address of its server.")
    if urlsplit(base_url).scheme not in _SCHEMES:
        raise SettingsError(
            "PRSNL_EMBEDDING_BASE_URL is no address: it begins with http://, https:// "
            "or unix:, such as http://127.0.0.1:11434/v1."
        )
    if key is None and provider != "compatible":
        raise _missing("API_KEY", provider, "a key that may use the model.")
    if own.embedding_model is None and provider != "openai":
        raise _missing("MODEL", provider, "the name of a model for embeddings.")
    if provider == "azure" and not llm.llm_api_version:
        raise SettingsError(
            "PRSNL_LLM_API_VERSION is not set, and azure needs it, for embeddings too: "
            "set it as your deployment's page shows it, such as 2024-10-21."
        )
    secret = "" if key is None else key.get_secret_value()
    return Access(
        provider=provider,
        base_url=base_url,
        key=lambda: secret,
        api_version=llm.llm_api_version,
        timeout_s=llm.llm_timeout_s.total_seconds(),
        local_hosts=settings.privacy.hosts,
        model_setting="PRSNL_EMBEDDING_MODEL",
        key_setting="PRSNL_EMBEDDING_API_KEY",
    )


def _missing(name: str, provider: str, what: str) -> SettingsError:
    return SettingsError(
        f"PRSNL_EMBEDDING_{name} is not set, and {provider} needs it: {what}"
    )


def _may_be_used(settings: Settings, access: Access) -> bool:
    """Whether it is built at all: under PRSNL_LOCAL_ONLY what is elsewhere is not."""
    if not settings.privacy.local_only:
        return True
    return access.endpoint("").reach is Reach.LOCAL


def _limits(settings: Settings) -> Limits:
    per_minute = settings.llm.llm_tokens_per_minute or _BATCH_TOKENS
    return Limits(
        text_tokens=_TEXT_TOKENS,
        batch_texts=_BATCH_TEXTS,
        batch_tokens=min(_BATCH_TOKENS, per_minute),
    )
