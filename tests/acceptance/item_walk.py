"""What a person does with an item, in a real browser: finds, reads, hears, changes."""

from __future__ import annotations

import io
import os
import re
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from playwright.sync_api import Locator, Page, expect

from tests.acceptance.staff import wait_until

if TYPE_CHECKING:
    from tests.acceptance.test_page import Visit

SAMPLES: Final = Path(__file__).parents[2] / "samples"


def row(page: Page, title: str) -> Locator:
    """A row by its title."""
    return page.locator("li.row", has=page.get_by_role("link", name=title, exact=True))


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
