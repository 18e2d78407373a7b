"""The commands: what each takes; what it does is loaded when it is run."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from prsnl import __version__
from prsnl.core.errors import SENTENCE, PrsnlError
from prsnl.terminal import engine_commands, failure_commands, queue_commands

if TYPE_CHECKING:
    from prsnl.wiring import Wiring

_INTERRUPTED: Final = 130

app = typer.Typer(
    name="prsnl",
    help="A file goes in, knowledge comes out; nothing leaves this machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Not this machine's server."),
]
Insecure = Annotated[
    bool,
    typer.Option(
        "--insecure",
        help="Start although the database or the broker lets anybody in.",
    ),
]
TaskIds = Annotated[list[str], typer.Argument(metavar="TASK_ID...")]


def _show_version(value: bool) -> None:  # noqa: FBT001 - typer's callback
    if value:
        typer.echo(f"prsnl {__version__}")
        raise typer.Exit


@app.callback()
def _all(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """PRSNL."""


@app.command()
def process(
    *,
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Files and folders.")
    ],
    is_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, nothing else.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write NAME.txt, NAME.md and NAME.json here."),
    ] = None,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="No byte may leave the machine.")
    ] = False,
    detach: Annotated[
        bool, typer.Option("--detach", help="Send the files, and do not wait.")
    ] = False,
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its first line opens protected PDFs; - asks for it."
        ),
    ] = None,
    server: Server = None,
) -> None:
    """Process files: text, title, date, language, key sentences."""
    from prsnl.terminal import process as command

    wanted = command.Wanted(
        paths=paths,
        is_json=is_json,
        output=output,
        local_only=local_only,
        detach=detach,
        server=server,
        password_file=password_file,
    )
    raise typer.Exit(command.main(wanted))


@app.command(context_settings={"ignore_unknown_options": True})
def search(
    *,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="QUERY...",
            help='Words, "phrases", -words, codes and numbers as printed, wor*.',
        ),
    ],
    is_json: Annotated[
        bool, typer.Option("--json", help="One JSON object, nothing else.")
    ] = False,
    kind: Annotated[
        str | None, typer.Option(metavar="KIND", help="pdf, docx, text ...")
    ] = None,
    document_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="contract, invoice ...")
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="TAG", help="With this tag; repeat it."),
    ] = None,
    category: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this category.")
    ] = None,
    dated_from: Annotated[
        str | None,
        typer.Option("--from", metavar="DAY", help="Dated YYYY-MM-DD or later."),
    ] = None,
    dated_to: Annotated[
        str | None,
        typer.Option("--to", metavar="DAY", help="Dated YYYY-MM-DD or before."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="Most hits.")] = 10,
    server: Server = None,
) -> None:
    """Find pages by word and by meaning, each with the address that opens it.

    Exit status 1 if there are none.
    """
    from prsnl.terminal import search as command

    wanted = command.Wanted(
        words=words,
        is_json=is_json,
        kind=kind,
        document_type=document_type,
        tags=tags,
        category=category,
        dated_from=dated_from,
        dated_to=dated_to,
        limit=limit,
        server=server,
    )
    raise typer.Exit(command.main(wanted))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if need be.")],
    server: Server = None,
) -> None:
    """Write every file with its text, tags and what was learned to a folder.

    A second export updates it; ./prsnl process DIR brings it all back.
    """
    from prsnl.terminal import exporting as command

    raise typer.Exit(command.main(folder, server=server))


@app.command()
def mcp(
    *,
    http: Annotated[
        int | None,
        typer.Option(
            "--http", metavar="PORT", min=1, max=65535, help="Over HTTP, at /mcp."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where HTTP listens.")
    ] = "127.0.0.1",
    files: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR", help="Files below may be submitted by path; repeat it."
        ),
    ] = None,
    server: Server = None,
) -> None:
    """Let a language model search and read: tools over MCP, on standard input.

    Over HTTP each caller sends a key of his own, and sees what it sees.
    """
    from prsnl.terminal import mcp as command

    wanted = command.Wanted(
        http_port=http, host=host, folders=files or [], server=server
    )
    raise typer.Exit(command.main(wanted))


@app.command()
def up(
    *,
    no_open: Annotated[  # noqa: ARG001 - there is no page that could be opened
        bool, typer.Option("--no-open", help="Open no browser.")
    ] = False,
    background: Annotated[
        bool,
        typer.Option("--background", help="Leave it; ./prsnl down ends it."),
    ] = False,
    flower: Annotated[
        bool, typer.Option("--flower", help="Celery's view of the workers, too.")
    ] = False,
    insecure: Insecure = False,
) -> None:
    """Run the service: database, broker, API, scheduler and workers."""
    from prsnl.terminal import service as command

    _allow(insecure=insecure)
    if flower:
        os.environ["PRSNL_FLOWER"] = "true"  # for the processes that it starts, too
    raise typer.Exit(command.up(background=background))


@app.command()
def down() -> None:
    """Stop the service of this machine."""
    from prsnl.terminal import service as command

    raise typer.Exit(command.down())


@app.command()
def status(
    *,
    task_id: Annotated[str | None, typer.Argument(metavar="[TASK_ID]")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on until it ends, or Ctrl-C.")
    ] = False,
    server: Server = None,
) -> None:
    """Show what is under way, or one task."""
    from prsnl.terminal import tasks as command

    raise typer.Exit(command.status(task_id, server=server, watch=watch))


@app.command()
def log(
    *,
    task_id: Annotated[str, typer.Argument(metavar="TASK_ID")],
    is_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, nothing else.")
    ] = False,
    server: Server = None,
) -> None:
    """Show what workers did of a task, try by try, on whichever hosts."""
    from prsnl.terminal import task_log as command

    raise typer.Exit(command.main(task_id, is_json=is_json, server=server))


@app.command()
def cancel(task_ids: TaskIds, server: Server = None) -> None:
    """Cancel tasks; what they have done so far stays."""
    from prsnl.terminal import tasks as command

    raise typer.Exit(command.cancel(task_ids, server=server))


@app.command()
def retry(task_ids: TaskIds, server: Server = None) -> None:
    """Queue failed tasks again."""
    from prsnl.terminal import tasks as command

    raise typer.Exit(command.retry(task_ids, server=server))


@app.command()
def usage(
    *,
    by: Annotated[
        str,
        typer.Option(help="day, model, provider, purpose, task or item."),
    ] = "day",
    is_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    server: Server = None,
) -> None:
    """Show what was asked of models, and what it cost."""
    from prsnl.terminal import usage as command

    raise typer.Exit(command.main(by, is_json=is_json, server=server))


@app.command()
def doctor() -> None:
    """Look at every part; say what was found, and how to mend it."""
    from prsnl.terminal import doctor as command

    raise typer.Exit(command.main())


@app.command()
def migrate() -> None:
    """Bring the schema of your own database up to date.

    It is the one that PRSNL_DATABASE_URL names.
    """
    from prsnl.terminal import migrate as command

    raise typer.Exit(command.main())


@app.command()
def api(
    *,
    passing: Annotated[bool, typer.Option("--passing", hidden=True)] = False,
    insecure: Insecure = False,
) -> None:
    """Run the API alone.

    Needs PRSNL_DATABASE_URL and PRSNL_BROKER_URL.
    """
    from prsnl import api as program
    from prsnl import wiring
    from prsnl.core.logging import configure_logging

    _allow(insecure=insecure)
    wired = wiring.read()
    configure_logging(wired.settings.logs)
    program.main(wired, is_passing=passing)


@app.command()
def scheduler(*, insecure: Insecure = False) -> None:
    """Run a scheduler alone: relay, reaper and cleanup. Any number may run."""
    from prsnl import scheduler as program

    program.main(_wired(insecure=insecure))


@app.command()
def worker(
    *,
    queues: Annotated[list[str], typer.Argument(metavar="QUEUE...")],
    threads: Annotated[
        int,
        typer.Option(min=1, max=64, help="Tasks at a time; if they mostly wait."),
    ] = 1,
    insecure: Insecure = False,
) -> None:
    """Run one worker alone, for one or several queues."""
    from prsnl import worker as program
    from prsnl.work.queues import Queue

    unknown = sorted(set(queues) - set(Queue))
    if unknown:
        known = ", ".join(Queue)
        raise typer.BadParameter(f"{unknown[0]} is no queue; there are {known}.")
    wired = _wired(insecure=insecure)
    program.main(wired, [Queue(name) for name in queues], threads=threads)


@app.command()
def flower(*, insecure: Insecure = False) -> None:
    """Run Flower alone: Celery's view of the workers, behind a password."""
    from prsnl import flower as program

    program.main(_wired(insecure=insecure))


def _wired(*, insecure: bool) -> Wiring:
    """What a process is made of; refused where anybody may come in."""
    from prsnl import wiring
    from prsnl.access import openness
    from prsnl.core.logging import configure_logging

    _allow(insecure=insecure)
    wired = wiring.read()
    configure_logging(wired.settings.logs)
    openness.check(
        wired.database_url,
        wired.broker_url,
        is_insecure=wired.settings.access.insecure,
    )
    return wired


def _allow(*, insecure: bool) -> None:
    """Pass `--insecure` on to the settings, and to the processes started here."""
    if insecure:
        os.environ["PRSNL_INSECURE"] = "true"


app.add_typer(engine_commands.engines, name="engines")
app.add_typer(engine_commands.models, name="models")
app.add_typer(queue_commands.queues, name="queues")
app.add_typer(failure_commands.failures, name="failures")
keys = typer.Typer(
    help="Make, list and revoke the keys that programs use.", no_args_is_help=True
)
app.add_typer(keys, name="keys")


@keys.command("create")
def keys_create(
    *,
    owner: Annotated[
        str, typer.Option(help="Whose documents it is for; owners are kept apart.")
    ] = "owner",
    name: Annotated[
        str, typer.Option(help="What it is for, to know it again.")
    ] = "made on the command line",
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help="read, write or admin; repeat it. [read and write]"
        ),
    ] = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="It ends after so many days.")
    ] = None,
    server: Server = None,
) -> None:
    """Make a key, and print it once."""
    from prsnl.terminal import access as command

    raise typer.Exit(
        command.create_key(
            owner=owner,
            name=name,
            scopes=scopes or ["read", "write"],
            days=days,
            server=server,
        )
    )


@keys.command("list")
def keys_list(server: Server = None) -> None:
    """Show all keys: whose, what for, what they may do, when last used."""
    from prsnl.terminal import access as command

    raise typer.Exit(command.list_keys(server=server))


@keys.command("revoke")
def keys_revoke(
    ids: Annotated[list[str], typer.Argument(metavar="KEY_ID...")],
    server: Server = None,
) -> None:
    """Revoke keys; what uses them ends within seconds."""
    from prsnl.terminal import access as command

    raise typer.Exit(command.revoke_keys(ids, server=server))


webhooks = typer.Typer(
    help="Have addresses of yours told when work ends.", no_args_is_help=True
)
app.add_typer(webhooks, name="webhooks")


@webhooks.command("list")
def webhooks_list(server: Server = None) -> None:
    """Show who is told of what, and what came of the last message."""
    from prsnl.terminal import webhooks as command

    raise typer.Exit(command.listed(server=server))


@webhooks.command("add")
def webhooks_add(
    url: Annotated[str, typer.Argument(metavar="URL")],
    events: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            help="work.ended, task.succeeded, task.failed or task.cancelled; "
            "repeat it. [work.ended]",
        ),
    ] = None,
    server: Server = None,
) -> None:
    """Have an address told; its secret is printed once."""
    from prsnl.terminal import webhooks as command

    raise typer.Exit(command.add(url, events or [], server=server))


@webhooks.command("remove")
def webhooks_remove(
    ids: Annotated[list[str], typer.Argument(metavar="WEBHOOK_ID...")],
    server: Server = None,
) -> None:
    """Tell addresses no more."""
    from prsnl.terminal import webhooks as command

    raise typer.Exit(command.remove(ids, server=server))


@webhooks.command("test")
def webhooks_test(
    webhook_id: Annotated[str, typer.Argument(metavar="WEBHOOK_ID")],
    server: Server = None,
) -> None:
    """Send a message that tells of nothing. Exit status 1 if it does not arrive."""
    from prsnl.terminal import webhooks as command

    raise typer.Exit(command.test(webhook_id, server=server))


@app.command()
def link(server: Server = None) -> None:
    """Print a one-use link, and its QR code, that signs a phone in."""
    from prsnl.terminal import access as command

    raise typer.Exit(command.link(server=server))


@app.command("open")
def open_page(server: Server = None) -> None:
    """Open the page in the browser, signed in."""
    from prsnl.terminal import access as command

    raise typer.Exit(command.open_page(server=server))


_PASSED_ON: Final = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("redo-drafts")
def redo_drafts(
    *,
    is_agreed: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    is_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    server: Server = None,
) -> None:
    """Transcribe every draft again, with the speech engine that is here now."""
    from prsnl.terminal import drafts as command

    raise typer.Exit(command.main(is_agreed=is_agreed, is_json=is_json, server=server))


@app.command()
def backup(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write database, files, settings and keys to one file, also while it runs."""
    from prsnl.terminal import backup as command

    raise typer.Exit(command.backup(file))


@app.command()
def restore(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Bring a back-up into a data folder that holds nothing yet."""
    from prsnl.terminal import backup as command

    raise typer.Exit(command.restore(file))


@app.command()
def prove(
    *,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long.")] = 2.0,
    seed: Annotated[int, typer.Option(help="The same seed hurts the same way.")] = 1,
    is_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    lease_s: Annotated[
        float,
        typer.Option("--lease", min=2, metavar="SECONDS", help="Of the run's workers."),
    ] = 6.0,
    compares: Annotated[
        bool,
        typer.Option("--compare", help="Then the same faults for plain Celery."),
    ] = False,
) -> None:
    """Kill workers, broker and database; show that nothing was lost."""
    from prsnl.proving import main as command

    raise typer.Exit(
        command.main(
            minutes=minutes,
            seed=seed,
            as_json=is_json,
            lease_s=lease_s,
            compares=compares,
        )
    )


@app.command(context_settings={**_PASSED_ON, "help_option_names": []})
def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]")] = None,
) -> None:
    """Measure; without a name the measurements are listed."""
    from prsnl.terminal import developing as command

    raise typer.Exit(command.bench(name, context.args))


@app.command(context_settings={**_PASSED_ON, "help_option_names": []})
def test(context: typer.Context) -> None:
    """Check the code and run the tests; --full adds those of ten minutes each.

    With other arguments pytest runs alone, with these.
    """
    from prsnl.terminal import developing as command

    raise typer.Exit(command.test(context.args))


def main() -> NoReturn:
    """Run a command. An error of ours is one sentence, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal's encoding lacks, or a name that is no UTF-8.
            stream.reconfigure(errors="replace")
    try:
        app(prog_name="./prsnl")
    except PrsnlError as error:
        sys.stderr.write(f"{SENTENCE}{error.message}\n")
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        raise SystemExit(_INTERRUPTED) from None
    except BrokenPipeError:
        # Who read our output has gone; the interpreter must not try once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    raise AssertionError("typer ends by SystemExit")
