"""`./prsnl engines` and `./prsnl models`: what each takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

engines = typer.Typer(
    help="What does each job here, how good it is, and what would be better."
)
models = typer.Typer(
    help="Get, list and remove models for this machine.", no_args_is_help=True
)
_JSON: Final = typer.Option("--json", help="One JSON object, nothing else.")
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Not this machine's server."),
]


@engines.callback(invoke_without_command=True)
def engines_list(
    context: typer.Context,
    *,
    is_json: Annotated[bool, _JSON] = False,
    server: Server = None,
) -> None:
    """Show who does each job here, how good it is, and what would be better."""
    if context.invoked_subcommand is not None:
        return
    from prsnl.terminal import engines as command

    raise typer.Exit(command.show(is_json=is_json, server=server))


@engines.command("use")
def engines_use(
    *,
    what: Annotated[
        str,
        typer.Argument(
            metavar="ENGINE",
            help="ollama[:MODEL], openai[:MODEL], azure[:DEPLOYMENT], the URL of a "
            "server that speaks OpenAI's protocol, or extractive: none of them.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Which of its models.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Its address, if not the usual one."),
    ] = None,
    api_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="Azure's API version.")
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its first line is the key; - is standard input. Else "
            "PRSNL_LLM_API_KEY, else you are asked.",
        ),
    ] = None,
) -> None:
    """Choose who writes summaries and insights.

    The server is asked for its list of models, and for nothing else.
    """
    from prsnl.core.settings import Settings
    from prsnl.terminal import choosing as command
    from prsnl.terminal.choices import Wanted

    wanted = Wanted(
        what=what, url=url, model=model, api_version=api_version, key_file=key_file
    )
    raise typer.Exit(command.use(Settings.read(), wanted))


@engines.command("test")
def engines_test(
    job: Annotated[
        str | None,
        typer.Argument(
            metavar="[JOB]", help="As ./prsnl engines names it in brackets."
        ),
    ] = None,
) -> None:
    """Give engines a tiny piece of work, never a document, and show what comes."""
    from prsnl.core.settings import Settings
    from prsnl.terminal import trying as command

    raise typer.Exit(command.main(Settings.read(), job))


@engines.command("redo")
def engines_redo(server: Server = None) -> None:
    """Do again what a weaker engine has done: transcripts that are drafts."""
    from prsnl.core.settings import Settings
    from prsnl.terminal import redoing as command

    raise typer.Exit(command.redo(Settings.read(), server))


@models.command("list")
def models_list(*, is_json: Annotated[bool, _JSON] = False) -> None:
    """Show the models that are known, with size and licence, and those here."""
    from prsnl.core.settings import Settings
    from prsnl.terminal import models as command

    raise typer.Exit(command.show(Settings.read(), is_json=is_json))


@models.command("get")
def models_get(
    *,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help="A model, or a job: speech gets the fitting one."
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option("--from", metavar="DIR", help="Take the files from this folder."),
    ] = None,
    is_agreed: Annotated[
        bool, typer.Option("--yes", help="Do not ask about size and licence.")
    ] = False,
) -> None:
    """Get a model and use it; size and licence are told first."""
    from prsnl.core.settings import Settings
    from prsnl.terminal import models as command

    raise typer.Exit(
        command.get(Settings.read(), name, folder=folder, is_agreed=is_agreed)
    )


@models.command("remove")
def models_remove(
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
) -> None:
    """Remove models from this machine."""
    from prsnl.core.settings import Settings
    from prsnl.terminal import models as command

    raise typer.Exit(command.remove(Settings.read(), names))
