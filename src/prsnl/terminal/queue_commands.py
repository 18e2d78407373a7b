"""`./prsnl queues`: what each command takes."""

from __future__ import annotations

from typing import Annotated, Final

import typer

queues = typer.Typer(help="What waits in each queue; pause one, and let it go on.")
_NAME: Final = typer.Argument(metavar="QUEUE")
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Not this machine's server."),
]


@queues.callback(invoke_without_command=True)
def queues_list(context: typer.Context, *, server: Server = None) -> None:
    """Show each queue: what runs, what waits, who works on it, and if it is paused."""
    if context.invoked_subcommand is not None:
        return
    from prsnl.terminal import queues as command

    raise typer.Exit(command.show(server=server))


@queues.command("pause")
def queues_pause(queue: Annotated[str, _NAME], server: Server = None) -> None:
    """Begin none of a queue's tasks, whoever's; what runs goes on to its end."""
    from prsnl.terminal import queues as command

    raise typer.Exit(command.pause(queue, server=server))


@queues.command("resume")
def queues_resume(queue: Annotated[str, _NAME], server: Server = None) -> None:
    """Let a paused queue go on."""
    from prsnl.terminal import queues as command

    raise typer.Exit(command.resume(queue, server=server))
