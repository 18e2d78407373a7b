"""Which providers there are, and what each needs to be asked."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from prsnl.engines.llm.contract import LlmEngine
from prsnl.engines.llm.errors import Asked
from prsnl.engines.reach import Endpoint, endpoint

Provider: TypeAlias = Literal["openai", "azure", "compatible"]

#: Provider -> the module that speaks to it. They share a protocol, and an SDK.
ENGINES: Final[dict[str, str]] = {
    "openai": "prsnl.engines.llm.openai",
    "azure": "prsnl.engines.llm.openai",
    "compatible": "prsnl.engines.llm.openai",
}
OPENAI_URL: Final = "https://api.openai.com/v1"


@dataclass(frozen=True, kw_only=True)
class Access:
    """Where a provider is, and what it wants of who asks."""

    provider: Provider
    #: `http://`, `https://`, or `unix:` and a path; of Azure the resource's.
    base_url: str
    #: The key or token, looked up at every request; empty where none is wanted.
    key: Callable[[], str] = field(default=lambda: "", repr=False)
    #: Azure: the key is a token of Entra ID.
    has_token: bool = False
    #: Azure's.
    api_version: str | None = None
    #: Time for one answer.
    timeout_s: float = 120.0
    #: Private addresses that count as this machine.
    local_hosts: tuple[str, ...] = ()
    #: The settings that a sentence names.
    model_setting: str = "PRSNL_LLM_MODEL"
    key_setting: str = "PRSNL_LLM_API_KEY"

    @property
    def is_unix(self) -> bool:
        """It is reached by a socket of this machine's file system."""
        return self.base_url.startswith("unix:")

    def endpoint(self, model: str) -> Endpoint:
        """Where a model is asked."""
        return endpoint(
            self.provider, self.base_url, model, local_hosts=self.local_hosts
        )

    def asked(self, model: str) -> Asked:
        """Who is asked, for sentences."""
        name: str = self.provider
        if name == "compatible":
            name = urlsplit(self.base_url).netloc.rpartition("@")[2] or "unix socket"
        return Asked(name, model, self.model_setting, self.key_setting)


class LazyEngine:
    """An engine whose module is loaded when it is asked for the first time."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._engine: LlmEngine | None = None
        self._lock = threading.Lock()

    def get(self) -> LlmEngine:
        """The engine, one for all threads."""
        with self._lock:
            if self._engine is None:
                module = importlib.import_module(ENGINES[self.access.provider])
                self._engine = module.engine(self.access)
            assert self._engine is not None
            return self._engine

    def close(self) -> None:
        """Give its connections up, if it was ever asked for."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.close()
