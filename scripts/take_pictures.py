"""Takes the pictures of docs/pictures/: the pages of a real service, at two widths.

Run by hand with the packages of the tests: `.venv/bin/python scripts/take_pictures.py`.
It starts the product on a folder of its own, gives it the samples, a damaged file and
some long ones, and stops it afterwards. What was done is spread over the day before,
as if it had come by and by: nobody waits a day for a picture.
"""

# ruff: noqa: INP001, T201 - a script, and no package, that says what it has made
from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

REPOSITORY: Final = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY / "src"), str(REPOSITORY)]

import psycopg  # noqa: E402 - found once the path is set
from PIL import Image  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402
from tests.fakes.pdf_files import pdf_file, text_lines  # noqa: E402

from prsnl.client import Client  # noqa: E402
from prsnl.discovery import RunningServer  # noqa: E402
from prsnl.embedded.datadir import free_port  # noqa: E402

PICTURES: Final = REPOSITORY / "docs" / "pictures"
CHROMIUM: Final = os.environ.get("PRSNL_TEST_CHROMIUM", "/usr/bin/chromium")
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
DESKTOP: Final = {"width": 1280, "height": 860}
PHONE: Final = {"width": 390, "height": 844}
#: Name, address, width, colours. Between braces: how the title of an item begins.
WANTED: Final = (
    # First what moves: it does not for long.
    ("activity", "/tasks", DESKTOP, "light"),
    ("activity-phone", "/tasks", PHONE, "light"),
    ("activity-dark", "/tasks", DESKTOP, "dark"),
    ("library", "/", DESKTOP, "light"),
    ("failures", "/failures", DESKTOP, "light"),
    ("queues", "/queues", DESKTOP, "light"),
    ("engines", "/engines", DESKTOP, "light"),
    ("health", "/doctor", DESKTOP, "light"),
    ("queues-phone", "/queues", PHONE, "dark"),
    ("item", "{Lease}#text", DESKTOP, "light"),
    ("item-scan-dark", "{Riverside}#text", DESKTOP, "dark"),
    ("item-phone", "{Riverside}#text", PHONE, "light"),
    ("search", "/search?q=rent", DESKTOP, "light"),
)
_SPREAD: Final = """
with told as (
    select id, (id * 7919 %% 1400) * interval '1 minute' as back
    from celery_task_results where task_name = 'process_document_task'
)
update celery_task_results r
set finished_at = finished_at - back, started_at = started_at - back,
    queued_at = queued_at - back - (r.id %% 9) * interval '2 s'
from told where told.id = r.id
"""
_PATIENCE_S: Final = 240


def main() -> int:
    """Take them all."""
    if not Path(CHROMIUM).is_file():
        print(f"There is no browser at {CHROMIUM}: set PRSNL_TEST_CHROMIUM.")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as client:
        fill(client, Path(folder))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=[*FLAGS]
            )
            take(browser, client, Path(folder))
            browser.close()
    return 0


@contextmanager
def running(folder: Path) -> Iterator[Client]:
    """The product on a folder of its own, as long as the block runs."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY / "src"),
        "PRSNL_DATA_DIR": str(folder / "data"),
        "PRSNL_PORT": str(free_port()),
    }
    # The database's own user must get through to its folder.
    folder.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-m", "prsnl", "up", "--no-open"],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        until(lambda: RunningServer.find(folder / "data") is not None)
        with Client.local(folder / "data") as client:
            yield client
    finally:
        process.terminate()
        process.wait(60)


def until(is_so: object) -> None:
    """Wait for something."""
    assert callable(is_so)
    ends_at = time.monotonic() + _PATIENCE_S
    while not is_so():
        if time.monotonic() > ends_at:
            raise TimeoutError("It took too long: see the logs of the service.")
        time.sleep(0.2)


def fill(client: Client, folder: Path) -> None:
    """Give it something to show: done, failed, running and waiting."""
    for path in sorted((REPOSITORY / "samples").iterdir()):
        if path.suffix != ".md" or path.name == "reading-note.md":
            client.upload(path)
    for number in range(30):
        client.upload(text_file(folder, number))
    for name in ("invoice-2023.pdf", "old-contract.pdf"):
        path = folder / name
        path.write_bytes(b"%PDF-1.7\n" + name.encode())
        client.upload(path)
    for job in ("kind", "text", "ocr", "language", "embedding", "speech"):
        client.test_engine(job)
    until(lambda: all(task.finished_at for task in client.tasks()))
    spread(folder / "data")
    for title in ("Annual report", "Field guide", "Minutes", "Handbook", "Survey"):
        path = folder / f"{title}.pdf"
        path.write_bytes(book(title, pages=1500))
        client.upload(path)
    until(
        lambda: any(
            task.status == "running" and task.progress.current > 1
            for task in client.tasks()
        )
    )


def text_file(folder: Path, number: int) -> Path:
    """A short note."""
    path = folder / f"note-{number}.txt"
    path.write_text(f"Note {number}\n\nThe tulips behind shed {number} want water.\n")
    return path


def book(title: str, *, pages: int) -> bytes:
    """A PDF that takes a while."""
    return pdf_file(
        *(
            text_lines(
                f"{title}, chapter {number}",
                *(f"Line {line} of page {number} of it." for line in range(20)),
            )
            for number in range(1, pages + 1)
        )
    )


def spread(data_dir: Path) -> None:
    """Let what was done have been done over the day before."""
    with psycopg.connect(database_url(data_dir), autocommit=True) as connection:
        connection.execute(_SPREAD.replace("%%", "%"))


def database_url(data_dir: Path) -> str:
    """How the service of this folder reaches its database."""
    server = RunningServer.find(data_dir)
    assert server is not None
    environment = Path(f"/proc/{server.pid}/environ").read_bytes().split(b"\0")
    (url,) = (
        each.partition(b"=")[2].decode()
        for each in environment
        if each.startswith(b"PRSNL_DATABASE_URL=")
    )
    return url


def take(browser: Browser, client: Client, folder: Path) -> None:
    """Every picture, in a browser that is signed in."""
    server = RunningServer.find(folder / "data")
    assert server is not None
    state = None
    for name, path, size, colours in WANTED:
        context = browser.new_context(
            viewport=size,  # type: ignore[arg-type]
            color_scheme=colours,  # type: ignore[arg-type]
            storage_state=state,
        )
        page = context.new_page()
        if state is None:
            page.goto(client.make_link().url)
            page.wait_for_url(f"{server.url}/")
            state = context.storage_state()
        page.goto(server.url + address(client, path))
        page.wait_for_timeout(1500)  # what is live has been told once
        keep(page, name)
        context.close()


def address(client: Client, path: str) -> str:
    """A path, or an item's, which is named by its title."""
    if not path.startswith("{"):
        return path
    title, _, rest = path[1:].partition("}")
    item = next(one for one in client.items() if one.title.startswith(title))
    return f"/items/{item.id}{rest}"


def keep(page: Page, name: str) -> None:
    """Write a picture, small."""
    taken = Image.open(io.BytesIO(page.screenshot()))
    target = PICTURES / f"{name}.webp"
    taken.convert("RGB").save(target, quality=82, method=6)
    print(f"{target.relative_to(REPOSITORY)}   {target.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    sys.exit(main())
