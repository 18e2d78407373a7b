"""`./prsnl failures`: what each command takes."""

from __future__ import annotations

from typing import Annotated, Final

import typer

failures = typer.Typer(
    help="What failed for good, by cause; queue it again, or call it resolved."
)
_JSON: Final = typer.Option("--json", help="One JSON object, nothing else.")
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Not this machine's server."),
]
Families = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FAMILY...]", help="As listed, or how it begins."),
]


@failures.callback(invoke_without_command=True)
def failures_list(
    context: typer.Context,
    *,
    all_: Annotated[
        bool, typer.Option("--all", help="Those that are resolved, too.")
    ] = False,
    is_json: Annotated[bool, _JSON] = False,
    server: Server = None,
) -> None:
    """Show what failed for good, by cause, and what to do about it."""
    if context.invoked_subcommand is not None:
        return
    from prsnl.terminal import families as command

    raise typer.Exit(command.show(with_resolved=all_, is_json=is_json, server=server))


@failures.command("retry")
def failures_retry(
    families: Families = None,
    *,
    all_: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
    server: Server = None,
) -> None:
    """Queue failed tasks again; what they have done so far is not done again."""
    from prsnl.terminal import families as command

    raise typer.Exit(command.retry(families or [], is_all=all_, server=server))


@failures.command("resolve")
def failures_resolve(
    families: Families = None,
    *,
    undo: Annotated[bool, typer.Option("--undo", help="Count it again.")] = False,
    server: Server = None,
) -> None:
    """Count what failed by a cause so far no more, until it happens again."""
    from prsnl.terminal import families as command

    raise typer.Exit(command.resolve(families or [], is_undone=undo, server=server))
