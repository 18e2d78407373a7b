"""`./prsnl engines use`: one language model instead of another, in one command."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from prsnl.core.errors import (
    BadRequestError,
    PrsnlError,
    SettingsError,
    UnavailableError,
)
from prsnl.core.settings import Settings
from prsnl.core.settings.kept import KeptSettings
from prsnl.core.settings.sources import DEFAULT, Sources
from prsnl.engines.inventory import language_model
from prsnl.engines.inventory.jobs import Job
from prsnl.engines.inventory.model_list import (
    OPENAI_URL,
    Address,
    KeyWantedError,
    Listed,
    listed,
)
from prsnl.engines.inventory.nearby import chat_models
from prsnl.engines.reach import Reach, reach_of
from prsnl.terminal import secrets, servers
from prsnl.terminal.choices import NAME_CHARACTERS, Choice, Wanted, understood
from prsnl.terminal.live import print_lines
from prsnl.terminal.renewal import take_up
from prsnl.terminal.summary import one_line
from prsnl.wiring.embedding import embedding_access
from prsnl.wiring.media import cloud
from prsnl.wiring.models import llm_access

_KEY: Final = "PRSNL_LLM_API_KEY"
#: Everything that belongs to one choice: what a new one does not set goes.
_VARIABLES: Final = (
    "PRSNL_LLM_PROVIDER",
    "PRSNL_LLM_BASE_URL",
    _KEY,
    "PRSNL_LLM_MODEL",
    "PRSNL_LLM_CHEAP_MODEL",
    "PRSNL_LLM_API_VERSION",
    "PRSNL_LLM_TOKEN_FILE",
    "PRSNL_LLM_CONTEXT_TOKENS",
)
_LISTED: Final = 5


def use(settings: Settings, wanted: Wanted) -> int:
    """Ask the server for its models, keep the choice, and have it taken up.

    Raises:
        PrsnlError: It cannot be; nothing was changed.
    """
    if wanted.what.lower() in {"extractive", "none"}:
        return _without(settings)
    with _unchanged():
        choice = understood(wanted)
        _require_may_leave(settings, choice)
        given = _given_key(settings, choice, wanted.key_file)
        found, key = _listed(choice, given, may_ask=wanted.key_file is None)
        model = _model(settings, choice, found.models)
    changes = dict.fromkeys(_VARIABLES) | {
        "PRSNL_LLM_PROVIDER": choice.provider,
        "PRSNL_LLM_BASE_URL": None if found.base_url == OPENAI_URL else found.base_url,
        _KEY: key or None,
        "PRSNL_LLM_MODEL": model,
        "PRSNL_LLM_API_VERSION": choice.api_version,
    }
    choice = replace(choice, base_url=found.base_url, model=model)
    _keep(settings, changes, _told(settings, choice, found.models))
    return 0


@contextmanager
def _unchanged() -> Iterator[None]:
    """Say with every error that nothing came of it."""
    try:
        yield
    except PrsnlError as error:
        raise type(error)(f"{error.message} Nothing was changed.") from error


def _without(settings: Settings) -> int:
    changes = dict.fromkeys(_VARIABLES) | {"PRSNL_LLM_PROVIDER": "extractive"}
    _keep(
        settings,
        changes,
        (
            "From now on no language model is asked.",
            "Key sentences stand for summaries; what was made with a model stays.",
        ),
    )
    return 0


def _keep(
    settings: Settings, changes: dict[str, str | None], told: Iterable[str]
) -> None:
    """Write the settings, tell what goes before them, and have them taken up."""
    data_dir = settings.storage.folder
    kept = KeptSettings(data_dir)
    before = kept.values(changes)
    kept.change(changes)
    try:
        _require_start(data_dir)
    except SettingsError as error:
        kept.change(before)
        raise SettingsError(f"{error.message} Nothing was changed.") from error
    print_lines(*told, f"Kept in {kept.path}.")
    print_lines(*overruled(data_dir, changes))
    print_lines(take_up(settings))
    if other := _still_used(Settings.read(data_dir)):
        print_lines(other)


def _require_start(data_dir: Path) -> None:
    """Make sure that workers can begin with what is set now.

    Raises:
        SettingsError: Something else that is set does not go with it.
    """
    settings = Settings.read(data_dir)
    llm_access(settings)
    embedding_access(settings)
    cloud(settings)


def _still_used(settings: Settings) -> str | None:
    """What the server that runs uses instead: its own environment goes before."""
    client = servers.running(settings)
    if client is None:
        return None
    with client:
        told = {job.job: job for job in client.engines().jobs}
    theirs = told[Job.LLM].engines[0].name
    if theirs == language_model.state(settings, ()).engines[0].name:
        return None
    return (
        f"But the server that runs still uses {theirs}: PRSNL_LLM_... is set in its "
        "own environment. Start it again without."
    )


def overruled(data_dir: Path, changes: dict[str, str | None]) -> Iterator[str]:
    """What is set elsewhere, and wins over what was just kept: one sentence each."""
    sources = Sources.read(data_dir)
    own = str(KeptSettings(data_dir).path)
    for name, value in changes.items():
        origin = sources.origin(name)
        if origin not in {own, DEFAULT} and sources.value(name) != value:
            yield (
                f"But {name} is set in {origin}, and that goes before: unset it there."
            )


def _require_may_leave(settings: Settings, choice: Choice) -> None:
    reach = _reach(settings, choice)
    if settings.privacy.local_only and reach is not Reach.LOCAL:
        raise BadRequestError(
            f"PRSNL_LOCAL_ONLY is true, so nothing can be sent to {choice.host}: "
            "choose an engine on this machine, name a machine of your own in "
            "PRSNL_LOCAL_HOSTS, or unset PRSNL_LOCAL_ONLY first."
        )


def _reach(settings: Settings, choice: Choice) -> Reach:
    hosts = settings.privacy.hosts
    return reach_of(choice.base_url, local_hosts=hosts)


def _given_key(settings: Settings, choice: Choice, file: Path | None) -> str:
    """The key of the command, or the one that this server was given before."""
    if file is not None:
        return secrets.from_file(file)
    before = language_model.chosen(settings)
    kept = settings.llm.llm_api_key
    if kept is not None and before is not None and before.host == choice.host:
        return kept.get_secret_value()
    return _key(choice) if choice.wants_key else ""


def _key(choice: Choice) -> str:
    """The key of a server that wants one: no other gets what may be another's."""
    return os.environ.get(_KEY) or secrets.asked(choice.host)


def _listed(choice: Choice, key: str, *, may_ask: bool) -> tuple[Listed, str]:
    """The models of the server, and the key that it took."""
    address = Address(
        provider=choice.provider,
        base_url=choice.base_url,
        key=key,
        api_version=choice.api_version,
    )
    try:
        return listed(address), key
    except KeyWantedError as refused:
        if not may_ask or (key and not sys.stdin.isatty()):
            raise BadRequestError(refused.message) from refused
        if key:
            print_lines(refused.message)
        key = secrets.asked(choice.host) if key else _key(choice)
    except UnavailableError as error:
        if not choice.is_ollama:
            raise
        raise UnavailableError(
            f"No Ollama answers at {choice.host}: start it (ollama serve), or name "
            "where it is with --url."
        ) from error
    try:
        return listed(replace(address, key=key)), key
    except KeyWantedError as refused:
        raise BadRequestError(refused.message) from refused


def _model(settings: Settings, choice: Choice, models: Sequence[str]) -> str:
    """The model that is named, the one of before, or the first that fits.

    Raises:
        BadRequestError: The server has it not, or has none.
    """
    if choice.provider == "azure":
        assert choice.model is not None
        return choice.model  # a deployment, which is in no list
    if choice.model is not None:
        return _named(choice, models)
    before = settings.llm.llm_model
    if before in models:
        return str(before)
    if choice.provider == "openai":
        raise BadRequestError(
            "Name the model, too: ./prsnl engines use openai:MODEL. OpenAI has "
            f"{_listing(chat_models(models))}."
        )
    if fitting := chat_models(models):
        return fitting[0]
    how = "ollama pull llama3.2" if choice.is_ollama else "load one there"
    raise BadRequestError(
        f"{choice.host} has no model to talk to: get one ({how}), then try again."
    )


def _named(choice: Choice, models: Sequence[str]) -> str:
    assert choice.model is not None
    # Ollama's own commands leave out the usual tag, too.
    for name in (choice.model, f"{choice.model}:latest"):
        if name in models:
            return name
    get = f" `ollama pull {choice.model}` gets it." if choice.is_ollama else ""
    raise BadRequestError(
        f"{choice.host} has no model {choice.model}; it has {_listing(models)}.{get}"
    )


def _listing(models: Sequence[str]) -> str:
    shown = ", ".join(_shown(name) for name in models[:_LISTED])
    left = len(models) - _LISTED
    return f"{shown} and {left} more" if left > 0 else shown or "none"


def _shown(name: str) -> str:
    return one_line(name, characters=NAME_CHARACTERS)


def _told(settings: Settings, choice: Choice, models: Sequence[str]) -> Iterator[str]:
    """What follows from the choice, and whether text leaves the machine."""
    model = _shown(str(choice.model))
    yield f"From now on {model} at {choice.host} writes summaries and insights."
    match _reach(settings, choice):
        case Reach.LOCAL:
            yield "It is on this machine: no text leaves it."
        case Reach.LAN:
            yield (
                f"The texts of your documents go to {choice.host}, a machine of your "
                "network. If it is yours, PRSNL_LOCAL_HOSTS may name it."
            )
        case Reach.CLOUD:
            yield (
                f"The texts of your documents go to {choice.host}, except where an "
                "item or a request is local only (./prsnl process --local-only)."
            )
    others = [name for name in chat_models(models) if name != choice.model]
    if others and choice.provider == "compatible":
        word = (
            "ollama:MODEL" if choice.is_ollama else f"{choice.base_url} --model MODEL"
        )
        yield f"It has others, too: {_listing(others)} (./prsnl engines use {word})."
    yield "Try it: ./prsnl engines test llm"
