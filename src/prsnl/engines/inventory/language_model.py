"""Which language model the settings choose, and what else there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prsnl.core.settings import Settings
from prsnl.engines.inventory.jobs import Better, EngineState, Job, JobState, Standing
from prsnl.engines.inventory.model_list import OPENAI_URL, Provider
from prsnl.engines.inventory.nearby import Nearby
from prsnl.engines.inventory.place import place_of
from prsnl.engines.reach import Reach

_WITHOUT: Final = (
    "key sentences instead of a summary, facts instead of insights; what needs a "
    "language model is left out"
)
_HOW_GOOD: Final = {
    Reach.LOCAL: "as good as the model; no text leaves this machine",
    Reach.LAN: "as good as the model; texts go to another machine of your network",
    Reach.CLOUD: "as good as the model; texts go to its provider",
}


@dataclass(frozen=True)
class Chosen:
    """The language model in force."""

    provider: Provider
    base_url: str
    #: None where none is named.
    model: str | None
    reach: Reach
    host: str

    @property
    def where(self) -> str:
        """Whose it is, as people call it."""
        names = {"openai": "OpenAI", "azure": "Azure OpenAI"}
        return names.get(self.provider, self.host)


def chosen(settings: Settings) -> Chosen | None:
    """The language model that the settings choose; None for the extractive engine."""
    provider = settings.llm.provider
    if provider == "extractive":
        return None
    llm = settings.llm
    base_url = llm.llm_base_url or (OPENAI_URL if provider == "openai" else "")
    place = place_of(base_url, local_hosts=settings.privacy.hosts)
    return Chosen(provider, base_url, llm.llm_model, place.reach, place.host)


def state(settings: Settings, nearby: Sequence[Nearby]) -> JobState:
    """The job of a language model: who does it, and who could."""
    found = chosen(settings)
    is_refused = (
        found is not None
        and settings.privacy.local_only
        and found.reach is not Reach.LOCAL
    )
    engines = [*_in_force(found, is_refused=is_refused)]
    uses_none = found is None or is_refused
    engines.append(
        EngineState(
            name="extractive (this program)",
            standing=Standing.IN_USE if uses_none else Standing.READY,
            how_good=_WITHOUT,
        )
    )
    if is_refused:
        engines.reverse()
    better = tuple(_better(nearby)) if found is None else ()
    return JobState(job=Job.LLM, engines=tuple(engines), better=better)


def _in_force(found: Chosen | None, *, is_refused: bool) -> Iterator[EngineState]:
    if found is None:
        return
    standing, how_good = Standing.IN_USE, _HOW_GOOD[found.reach]
    if is_refused:
        standing = Standing.OFF
        how_good = "not called: PRSNL_LOCAL_ONLY is true, and it is elsewhere"
    elif found.model is None:
        standing = Standing.ABSENT
        how_good = "no model is named: set PRSNL_LLM_MODEL"
    yield EngineState(
        name=f"{found.model or '(no model)'} at {found.where}",
        standing=standing,
        how_good=how_good,
        reach=found.reach,
        host=found.host,
    )


def _better(nearby: Sequence[Nearby]) -> Iterator[Better]:
    """What is running here; else the ways to get a model."""
    for server in nearby:
        if server.chat_models:
            yield Better(f"{server.name} is running on this machine", server.command)
        else:
            yield Better(
                f"{server.name} is running on this machine, and has no model yet: "
                "get one there first",
                server.command,
            )
    if not nearby:
        yield Better(
            "a model on this machine (Ollama, LM Studio, llama.cpp, vLLM)",
            "./prsnl engines use ollama",
        )
        yield Better("a provider; texts go there", "./prsnl engines use openai")
