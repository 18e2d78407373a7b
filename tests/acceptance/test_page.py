"""The page in a real browser: signed in by a link, a file dropped, seen, opened."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from prsnl.client import Client
from prsnl.discovery import RunningServer
from tests.acceptance import item_walk, page_walk
from tests.acceptance.staff import wait_until
from tests.acceptance.test_cli import run, service
from tests.conftest import need
from tests.fakes.pdf_files import pdf_file, text_lines

PATIENCE_MS = 60_000
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
#: Puts files on the page as a hand would: the browser makes the event's data itself.
DROP = """([files]) => {
  const carried = new DataTransfer();
  for (const [name, base64] of files) {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    carried.items.add(new File([bytes], name));
  }
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
  }
}"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser."""
    path = os.environ.get("PRSNL_TEST_CHROMIUM", "/usr/bin/chromium")
    need("chromium", is_there=Path(path).is_file(), why=f"{path} is not there")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS])
        yield browser
        browser.close()


@dataclass
class Visit:
    """One browser window, and whatever it should not have done."""

    page: Page
    server: RunningServer
    client: Client
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        """Note complaints of the page, and requests to anybody else."""
        ours = urlsplit(self.server.url).netloc

        def heard(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.complaints.append(f"{message.text} {message.location}")

        def asked(url: str) -> None:
            parts = urlsplit(url)
            if parts.scheme not in ("blob", "data") and parts.netloc != ours:
                self.complaints.append(f"asked {url}")

        self.page.on("console", heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: asked(request.url))

    def drop(self, *files: tuple[str, bytes]) -> None:
        """Drop files on the page, once its scripts listen."""
        self.page.wait_for_load_state("load")
        carried = [[name, base64.b64encode(data).decode()] for name, data in files]
        self.page.evaluate(DROP, [carried])

    def scrolls_sideways(self) -> bool:
        """Whether something sticks out of the window."""
        wide: bool = self.page.evaluate(
            "document.documentElement.scrollWidth > window.innerWidth"
        )
        return wide


@contextmanager
def visiting(
    browser: Browser,
    environment: dict[str, str],
    client: Client,
    size: dict[str, int],
) -> Iterator[Visit]:
    """A window that was signed in by a one-use link, with no complaint at its end."""
    context = browser.new_context(viewport=size)  # type: ignore[arg-type]
    context.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    server = RunningServer.find(Path(environment["PRSNL_DATA_DIR"]))
    assert server is not None
    visit = Visit(context.new_page(), server, client)
    visit.watch()
    # Without a screen the command prints the link that it would open.
    opened = run({**environment, "DISPLAY": "", "WAYLAND_DISPLAY": ""}, "open")
    assert opened.returncode == 0, opened.stderr
    visit.page.goto(opened.stdout.strip())
    visit.page.wait_for_url(f"{server.url}/")
    yield visit
    context.close()
    assert visit.complaints == []


def book(pages: int) -> bytes:
    """A PDF that nobody has sent yet, and that takes a while."""
    return pdf_file(
        *(
            text_lines(
                f"Chapter {number} of the book {uuid4()}",
                *(
                    f"Line {line} of page {number}: the kettle boils and nobody hears."
                    for line in range(20)
                ),
            )
            for number in range(1, pages + 1)
        )
    )


@pytest.mark.timeout(600)
def test_a_person_drops_files_sees_them_move_and_opens_them(
    environment: dict[str, str], chromium: Browser
) -> None:
    """One walk, for a service takes seconds to start."""
    expect.set_options(timeout=PATIENCE_MS)
    with (
        service(environment),
        Client.local(Path(environment["PRSNL_DATA_DIR"])) as client,
    ):
        with visiting(chromium, environment, client, DESKTOP) as visit:
            expect(visit.page.get_by_text("Nothing yet.")).to_be_visible()
            a_pdf_is_dropped_moves_and_is_opened(visit)
            item_walk.a_scan_and_a_sound_are_dropped_at_once(visit)
            item_walk.a_scan_is_found_by_its_words_and_opened_there(visit)
            item_walk.a_sound_is_played_from_where_one_clicks(visit)
            a_long_one_is_cancelled(visit)
            a_broken_one_fails_and_is_tried_again(visit)
            item_walk.what_is_removed_comes_back(visit)
            a_hostile_name_and_text_are_text(visit)
            what_is_there_already_is_said(visit)
            page_walk.a_failure_is_read_and_tried_again(visit)
            page_walk.a_queue_is_paused_and_goes_on(visit, ("late.pdf", book(2)))
            page_walk.who_looks_elsewhere_is_told(visit, ("soon.pdf", book(1)))
            page_walk.keys_lead_through_the_page(visit)
            page_walk.a_server_that_is_away_is_said_and_comes_back(visit)
            page_walk.an_engine_is_tested(visit)
            page_walk.the_menu_works(visit, by_thumb=False)
            page_walk.every_page_is_whole(visit)
        with visiting(chromium, environment, client, PHONE) as visit:
            item_walk.a_phone_takes_a_note_and_finds_it(visit)
            item_walk.a_phone_opens_what_was_scanned(visit)
            nothing_sticks_out_of_a_phone(visit)
            page_walk.the_menu_works(visit, by_thumb=True)
            page_walk.every_page_is_whole(visit)
            signing_out_ends_it(visit)


def a_pdf_is_dropped_moves_and_is_opened(visit: Visit) -> None:
    page = visit.page
    page.evaluate(
        """() => {
          window.seen = new Set();
          new MutationObserver(() => {
            for (const bar of document.querySelectorAll(".row progress"))
              window.seen.add(bar.value);
            for (const state of document.querySelectorAll(".row .state"))
              window.seen.add(state.textContent);
          }).observe(document.body, {
            subtree: true, childList: true, attributes: true, characterData: true });
        }"""
    )
    visit.drop(("kettle-book.pdf", book(60)))
    first = page.locator("li.row").first
    expect(first).to_be_visible()
    expect(first.locator(".state")).to_have_text("Done")
    seen = page.evaluate("[...window.seen]")
    assert "In progress" in seen
    assert len([value for value in seen if isinstance(value, int | float)]) >= 2
    assert page.locator("#uploads li").count() == 0

    first.locator("h3 a").click()
    expect(page.locator("h1")).to_contain_text("book")
    expect(page.locator("#page-5")).to_contain_text("Line 3 of page 5")
    page.get_by_role("link", name="Later").click()
    expect(page.locator("#page-6")).to_contain_text("Line 3 of page 6")
    item_walk.picture_is_drawn(page.locator("#page-6 .picture img"))
    with page.expect_download() as saved:
        page.get_by_role("link", name="Markdown").click()
    assert saved.value.suggested_filename == "kettle-book.pdf.md"
    page.get_by_role("link", name="Library").first.click()


def a_long_one_is_cancelled(visit: Visit) -> None:
    page = visit.page
    visit.drop(("long.pdf", book(300)))
    mine = page.locator("li.row").first
    expect(mine.locator("progress")).to_be_visible()
    mine.get_by_role("button", name="Cancel").click()
    expect(mine.locator(".state")).to_have_text("Cancelled")
    expect(mine.get_by_role("button", name="Read it again")).to_be_visible()
    (newest, *_) = visit.client.tasks()
    assert newest.status == "revoked"


def a_broken_one_fails_and_is_tried_again(visit: Visit) -> None:
    page = visit.page
    visit.drop(("broken.pdf", b"%PDF-1.7\n" + uuid4().bytes))
    mine = item_walk.row(page, "broken")
    expect(mine.locator(".state")).to_have_text("Failed")
    assert mine.locator(".wrong").inner_text()
    mine.get_by_role("button", name="Try again").click()
    wait_until(lambda: visit.client.tasks()[0].attempt == 2)
    expect(mine.locator(".state")).to_have_text("Failed")


def a_hostile_name_and_text_are_text(visit: Visit) -> None:
    page = visit.page
    name = "<img src=x onerror=alert(1)>"
    text = f"<script>alert(2)</script> and <b>{uuid4()}</b>, a text about brackets.\n"
    visit.drop((f"{name}.txt", text.encode()))
    first = page.locator("li.row").first
    expect(first.locator("h3")).to_contain_text(re.compile("<img|<script"))
    expect(first.locator(".state")).to_have_text("Done")
    assert page.locator("main img[src=x]").count() == 0
    first.locator("h3 a").click()
    expect(page.locator(".page-text")).to_contain_text("<script>alert(2)</script>")
    expect(page.locator(".file-name")).to_contain_text(f"{name}.txt")
    assert page.locator("main script, main b").count() == 0
    page.get_by_role("link", name="Library").first.click()


def what_is_there_already_is_said(visit: Visit) -> None:
    page = visit.page
    data = f"A note about {uuid4()}.".encode()
    before = page.locator("li.row").count()
    visit.drop(("once.txt", data))
    expect(page.locator("li.row")).to_have_count(before + 1)
    visit.drop(("twice.txt", data))
    expect(page.locator("#known")).to_contain_text("Already in your library: once.txt")


def nothing_sticks_out_of_a_phone(visit: Visit) -> None:
    page = visit.page
    paths = ["/", "/tasks", "/tasks?show=failed", "/items/x"]
    items = visit.client._http.get("/api/items").json()["items"]
    paths.extend(f"/items/{item['id']}" for item in items)
    paths.extend(f"/tasks/{task.task_id}" for task in visit.client.tasks())
    for path in paths:
        page.goto(visit.server.url + path)
        assert not visit.scrolls_sideways(), path
    # The browser itself complains of the one page that is not there.
    visit.complaints[:] = [c for c in visit.complaints if "/items/x" not in c]


def signing_out_ends_it(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.server.url)
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{visit.server.url}/sign-in")
    page.goto(visit.server.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    visit.complaints[:] = [c for c in visit.complaints if "401" not in c]
