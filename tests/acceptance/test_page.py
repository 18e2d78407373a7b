"""The page in a real browser: signed in by a link, a file dropped, seen, opened."""

from __future__ import annotations

import base64
import io
import os
import re
import wave
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
    Locator,
    Page,
    expect,
    sync_playwright,
)

from prsnl.client import Client
from prsnl.discovery import RunningServer
from tests.acceptance.staff import wait_until
from tests.acceptance.test_cli import run, service
from tests.conftest import need
from tests.fakes.pdf_files import pdf_file, text_lines

PATIENCE_MS = 60_000
SAMPLES = Path(__file__).parents[2] / "samples"
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
        """Drop files on the page."""
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
            a_scan_and_a_sound_are_dropped_at_once(visit)
            a_scan_is_found_by_its_words_and_opened_there(visit)
            a_sound_is_played_from_where_one_clicks(visit)
            a_long_one_is_cancelled(visit)
            a_broken_one_fails_and_is_tried_again(visit)
            what_is_removed_comes_back(visit)
            a_hostile_name_and_text_are_text(visit)
            what_is_there_already_is_said(visit)
        with visiting(chromium, environment, client, PHONE) as visit:
            a_phone_takes_a_note_and_finds_it(visit)
            a_phone_opens_what_was_scanned(visit)
            nothing_sticks_out_of_a_phone(visit)
            signing_out_ends_it(visit)


def row(page: Page, title: str) -> Locator:
    """A row by its title."""
    return page.locator("li.row", has=page.get_by_role("link", name=title, exact=True))


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
    visit.drop(("kettle-book.pdf", book(20)))
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
    picture_is_drawn(page.locator("#page-6 .picture img"))
    with page.expect_download() as saved:
        page.get_by_role("link", name="Markdown").click()
    assert saved.value.suggested_filename == "kettle-book.pdf.md"
    page.get_by_role("link", name="Library").first.click()


def picture_is_drawn(picture: Locator) -> None:
    picture.scroll_into_view_if_needed()
    expect(picture).to_have_js_property("complete", value=True)
    wait_until(lambda: bool(picture.evaluate("image => image.naturalWidth > 300")))


def a_scan_and_a_sound_are_dropped_at_once(visit: Visit) -> None:
    scan = (SAMPLES / "water-bill-scan.pdf").read_bytes()
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(os.urandom(32) + bytes(2 * 8000 * 4))
    rows = visit.page.locator("li.row")
    before = rows.count()
    visit.drop(("bill.pdf", scan), ("silence.wav", sound.getvalue()))
    expect(rows).to_have_count(before + 2)
    for place in (0, 1):
        expect(rows.nth(place).locator(".state")).to_have_text("Done")


def a_scan_is_found_by_its_words_and_opened_there(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("/")
    page.keyboard.type("metres water")
    page.keyboard.press("Enter")
    hit = page.locator(".hit").first
    expect(hit.locator("mark").first).to_have_text(
        re.compile("metres|water", re.IGNORECASE)
    )
    hit.locator("h3 a").click()
    expect(page.locator("#page-1")).to_contain_text("read from a picture")
    expect(page.locator("#page-1 mark").first).to_be_visible()
    picture_is_drawn(page.locator("#page-1 .picture img"))
    expect(page.locator(".receipt")).to_contain_text("Nothing left this machine.")
    page.get_by_text("Change title, tags, dates").click()
    page.get_by_label("Title").fill("The water bill")
    page.get_by_role("button", name="Keep the changes").click()
    expect(page.locator("h1")).to_have_text("The water bill")


def a_sound_is_played_from_where_one_clicks(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.server.url)
    row(page, "silence").locator("h3 a").click()
    sound = page.locator("audio")
    expect(sound).to_have_js_property("readyState", 4)
    # A server that sends parts can be jumped in; else there is the beginning alone.
    sound.evaluate("sound => { sound.currentTime = 3 }")
    wait_until(lambda: sound.evaluate("sound => sound.currentTime") == 3)
    assert sound.evaluate("sound => sound.seekable.end(0)") > 3.5
    expect(page.get_by_text("Nobody speaks in this recording.").first).to_be_visible()
    page.get_by_role("link", name="Library").first.click()


def what_is_removed_comes_back(visit: Visit) -> None:
    page = visit.page
    row(page, "silence").locator("h3 a").click()
    page.get_by_role("button", name="Move to the trash").click()
    expect(page.locator(".banner", has_text="In the trash since")).to_be_visible()
    page.get_by_role("link", name="Library").first.click()
    expect(row(page, "silence")).to_have_count(0)
    page.goto(f"{visit.server.url}/trash")
    row(page, "silence").get_by_role("button", name="Take it out").click()
    expect(row(page, "silence")).to_have_count(0)
    page.goto(visit.server.url)
    expect(row(page, "silence")).to_be_visible()


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
    mine = row(page, "broken")
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


def a_phone_takes_a_note_and_finds_it(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_text("Take a picture")).to_be_visible()
    page.get_by_text("Write or paste a note").click()
    page.get_by_label("Text, plain or Markdown").fill(
        f"The boiler was serviced today, says {uuid4()}. Next service in a year."
    )
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator(".item-head .state")).to_have_text("Done")
    page.locator(".find input").fill("boiler")
    page.locator(".find input").press("Enter")
    expect(page.locator(".hit mark").first).to_have_text("boiler")
    expect(page.get_by_text("Dated from")).to_be_hidden()
    page.locator(".narrow summary").click()
    expect(page.get_by_text("Dated from")).to_be_visible()


def a_phone_opens_what_was_scanned(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.server.url)
    row(page, "The water bill").locator("h3 a").click()
    picture_is_drawn(page.locator("#page-1 .picture img"))
    assert not visit.scrolls_sideways()


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
