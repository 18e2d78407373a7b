"""`./prsnl engines`: who does each job here, and what would be better."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import psutil
from rich.console import Console
from rich.text import Text

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.engines.inventory import language_model, media
from prsnl.engines.inventory.jobs import Standing
from prsnl.engines.inventory.model_list import Address, KeyWantedError, listed
from prsnl.engines.inventory.table import inventory
from prsnl.engines.reach import Reach
from prsnl.monitoring.engine_endpoints import body_of
from prsnl.terminal import servers
from prsnl.terminal.hints import around, better_summaries
from prsnl.terminal.live import print_lines
from prsnl.terminal.summary import one_line
from prsnl.wire.engines import EnginesBody, JobBody

_STYLES: Final = {"in use": "green", "absent": "red", "off": "yellow"}
_CHARACTERS: Final = 400


def show(*, is_json: bool, server: str | None) -> int:
    """Ask the server that runs, or look here."""
    settings = Settings.read()
    told = _told(settings, server)
    if is_json:
        print_lines(told.model_dump_json())
        return 0
    console = Console(highlight=False, soft_wrap=True)
    for job in told.jobs:
        for line in _lines(job):
            console.print(line)
    if told.local_only:
        console.print("Nothing may leave this machine (PRSNL_LOCAL_ONLY).")
    console.print(
        "Choose who writes summaries: ./prsnl engines use ...   Try one: "
        "./prsnl engines test JOB"
    )
    return 0


def _told(settings: Settings, server: str | None) -> EnginesBody:
    """As the server has it, whose settings count; without one as they are here."""
    client = servers.named(settings, server) or servers.running(settings)
    if client is not None:
        with client:
            return client.engines()
    return body_of(inventory(settings, around(settings)), settings)


def language_model_here(settings: Settings) -> str:
    """Who writes summaries, as a sentence; a server on this machine has to answer.

    Raises:
        PrsnlError: It does not, or no model is named; what to do.
    """
    found = language_model.chosen(settings)
    if found is None:
        hint = better_summaries(settings)
        return "none: key sentences instead of summaries" + (
            f". {hint}" if hint else ""
        )
    if found.model is None:
        raise BadRequestError("No model is named: set PRSNL_LLM_MODEL.")
    told = f"{found.model} at {found.where}"
    if found.reach is not Reach.LOCAL:
        return f"{told}; ./prsnl engines test llm asks it"
    key = settings.llm.llm_api_key
    address = Address(
        provider=found.provider,
        base_url=found.base_url,
        key=key.get_secret_value() if key else "",
        api_version=settings.llm.llm_api_version,
    )
    try:
        has = listed(address)
    except KeyWantedError as error:
        raise BadRequestError(error.message) from error
    if found.provider != "azure" and found.model not in has.models:
        raise BadRequestError(
            f"{found.host} has no model {found.model} any more: get it, or choose "
            "another with ./prsnl engines use."
        )
    return f"{told}, on this machine"


def speech_here(settings: Settings) -> str:
    """Who writes down what is said, how well, and what would be better.

    Raises:
        BadRequestError: Nobody does, or the one that is set cannot.
    """
    state = media.speech(settings, memory_bytes=psutil.virtual_memory().total)
    first = state.engines[0]
    told = f"{first.name}: {first.how_good}"
    for better in state.better:
        told += f". Better: {better.command}"
    if first.standing is not Standing.IN_USE:
        raise BadRequestError(told)
    return told


def _lines(job: JobBody) -> Iterator[Text]:
    yield Text(f"{job.title}  ({job.job})", "bold")
    for one in job.engines:
        mark = Text(f"  {one.standing:8}", _STYLES.get(one.standing, ""))
        where = f"  [goes to {one.host}]" if one.reach != "local" and one.host else ""
        told = f"{one.name}: {one.how_good}{where}"
        yield mark + Text(one_line(told, characters=_CHARACTERS))
    for better in job.better:
        told = one_line(better.sentence, characters=_CHARACTERS)
        command = f":  {better.command}" if better.command else ""
        yield Text(f"  {'better':8}{told}{command}")
