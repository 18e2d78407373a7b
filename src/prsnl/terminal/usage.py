"""`./prsnl usage`: what was asked of models, and what it cost."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.wire.usage import UsageBody, UsageGroup, money
from prsnl.work.usage import By


def main(by: str, *, is_json: bool, server: str | None) -> int:
    """Ask the server that runs, and print the newest fifty of them."""
    if by not in set(By):
        raise BadRequestError(
            f"{by} is nothing to add up by; there are {', '.join(By)}."
        )
    with servers.required(Settings.read(), server) as client:
        told = client.usage(By(by))
    if is_json:
        print_lines(told.model_dump_json())
        return 0
    console = Console(highlight=False, soft_wrap=True)
    if told.items:
        console.print(_table(told))
    console.print(told.sentence)
    if told.budget.usd_per_day is not None:
        console.print(
            f"Today (UTC) has cost {money(told.budget.spent_today_usd)} of "
            f"{money(told.budget.usd_per_day)} (PRSNL_LLM_BUDGET_PER_DAY_USD)."
        )
    return 0


def _table(told: UsageBody) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(str(told.by), overflow="fold")
    for name in ("requests", "tokens out", "tokens back", "cost"):
        table.add_column(name, justify="right")
    for one in told.items:
        table.add_row(
            one.key,
            f"{one.calls:,}",
            f"{one.tokens_in:,}",
            f"{one.tokens_out:,}",
            _cost(one),
        )
    return table


def _cost(one: UsageGroup) -> str:
    if one.unpriced_calls == one.calls:
        return "unknown"
    more = " and unknown" if one.unpriced_calls else ""
    return money(one.usd) + more
