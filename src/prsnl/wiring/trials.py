"""What engines are tried with, by the settings."""

from __future__ import annotations

from functools import partial

from prsnl.core.settings import Settings
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.monitoring.questions import Providers
from prsnl.monitoring.trials import Trials
from prsnl.wiring.embedding import embedding_access, model_name
from prsnl.wiring.media import local_engine
from prsnl.wiring.models import llm_access


def providers(settings: Settings) -> Providers:
    """How the models that are set are asked."""
    return Providers(
        llm=partial(llm_access, settings),
        embedding=partial(embedding_access, settings),
        embedding_model=partial(model_name, settings),
    )


def trials(settings: Settings, sandbox: SandboxPool) -> Trials:
    """A piece of work for each engine that is here."""
    return Trials(
        settings=settings,
        sandbox=sandbox,
        providers=providers(settings),
        hearing=partial(local_engine, settings),
    )
