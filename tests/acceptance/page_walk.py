"""What a person does on the pages of the work, in a real browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from playwright.sync_api import Page, expect

from tests.acceptance.staff import wait_until

if TYPE_CHECKING:
    from tests.acceptance.test_page import Visit

WORK_PAGES: Final = (
    "/tasks",
    "/tasks?show=failed",
    "/tasks?show=done",
    "/failures",
    "/queues",
    "/queues?span=week",
    "/engines",
    "/doctor",
    "/settings",
    "/keys",
    "/tags",
    "/trash",
)
#: A thumb hits what is at least so wide and high, in CSS pixels (WCAG 2.2, 2.5.8).
LEAST_TARGET_PX: Final = 24
#: So near to the lower edge a sheet is within a thumb's reach.
_THUMB_PX: Final = 100
_SMALL: Final = """(least) => [...document.querySelectorAll(
  "button, .main a, .tabs a, summary, input:not([type=hidden])")]
  .filter((one) =>
    one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .map((one) => [one.textContent.trim() || one.name, one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 2 && (box.width < least || box.height < least))
  .map(([name]) => name)"""
#: Notices are shown as ever, and noted.
_HEAR: Final = """() => {
  window.notices = [];
  window.Notification = class extends Notification {
    constructor(title, options) {
      super(title, options);
      window.notices.push(options.body);
    }
  };
}"""
_LOOK_AWAY: Final = """() => {
  Object.defineProperty(document, "hidden", { value: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
#: What of the focused element differs from how it is without the focus.
_FOCUS: Final = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
}"""


def a_queue_is_paused_and_goes_on(visit: Visit, upload: tuple[str, bytes]) -> None:
    """What waits says who has paused it, and is done once it is resumed."""
    page = visit.page
    page.goto(f"{visit.server.url}/queues")
    card = page.locator('[data-key="queue-file_processing"]')
    card.get_by_role("button", name="Pause").click()
    expect(card.locator(".state")).to_have_text("Paused")
    expect(card).to_contain_text("Paused by")
    page.get_by_role("link", name="Library").first.click()
    expect(page.get_by_role("heading", name="Library", level=1)).to_be_visible()
    page.wait_for_load_state("load")
    visit.drop(upload)
    first = page.locator("li.row").first
    expect(first.locator(".why")).to_contain_text("is paused by")
    page.goto(f"{visit.server.url}/tasks")
    waiting = page.locator('[data-group="waiting"] .row')
    expect(waiting).to_have_count(1)
    page.evaluate("window.same = true")
    visit.client.resume_queue("file_processing")
    # The row moves to its new group by itself: the page is not loaded again.
    expect(waiting).to_have_count(0)
    expect(
        page.locator('[data-group="done"] .row').first.locator(".state")
    ).to_have_text("Done")
    assert page.evaluate("window.same")


def a_failure_is_read_and_tried_again(visit: Visit) -> None:
    """By its cause: what to do, the trace to copy, and one button for all of it."""
    page = visit.page
    page.get_by_role("navigation", name="Main").get_by_role(
        "link", name="Failures"
    ).click()
    family = page.locator(".family").first
    expect(family.locator("h2")).not_to_be_empty()
    expect(family.locator(".todo")).not_to_be_empty()
    family.get_by_text("For a report").click()
    expect(family.locator(".trace")).to_contain_text("process_document_task")
    family.get_by_role("button", name="Copy").click()
    expect(family.get_by_role("button", name="Copied")).to_be_visible()
    before = _tries(visit)
    family.locator("header").get_by_role("button", name="again").click()
    wait_until(lambda: _tries(visit) > before)
    wait_until(lambda: all(task.finished_at for task in visit.client.tasks()))
    # It fails once more, and stands here again without a reload.
    expect(page.locator(".family .row").first.locator(".state")).to_have_text("Failed")


def keys_lead_through_the_page(visit: Visit) -> None:
    """`/ j k r t ?`, without a hand on the mouse."""
    page = visit.page
    page.goto(f"{visit.server.url}/tasks")
    page.keyboard.press("?")
    expect(page.locator("#keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#keyboard")).to_be_hidden()
    wait_until(lambda: _is_on_a_row(page))
    first = _focused_row(page)
    assert page.evaluate(_FOCUS)
    page.keyboard.press("j")
    second = _focused_row(page)
    assert first != second
    page.keyboard.press("k")
    assert _focused_row(page) == first
    page.keyboard.press("t")
    expect(page.locator("#said")).to_contain_text("does not wait")
    before = visit.client.status(first.removeprefix("task-")).attempt
    page.keyboard.press("r")  # the first row is one that has failed
    wait_until(
        lambda: visit.client.status(first.removeprefix("task-")).attempt > before
    )
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("j?")
    expect(page.locator("#keyboard")).to_be_hidden()


def a_server_that_is_away_is_said_and_comes_back(visit: Visit) -> None:
    """The page neither lies nor breaks; it goes on by itself."""
    page = visit.page
    page.goto(f"{visit.server.url}/queues")
    page.context.set_offline(True)
    # A click is answered by a sentence where it was made.
    card = page.locator('[data-key="queue-media_processing"]')
    card.get_by_role("button", name="Pause").click()
    expect(card.locator(".wrong")).to_contain_text("The server does not answer")
    page.context.set_offline(False)
    card.get_by_role("button", name="Pause").click()
    expect(card.locator(".state")).to_have_text("Paused")
    card.get_by_role("button", name="Resume").click()
    expect(card.locator(".state")).not_to_have_text("Paused")
    visit.complaints[:] = [c for c in visit.complaints if "DISCONNECTED" not in c]


def who_looks_elsewhere_is_told(visit: Visit, upload: tuple[str, bytes]) -> None:
    """One notice once work has ended, for who has asked for it."""
    page = visit.page
    page.context.grant_permissions(
        ["notifications", "clipboard-read", "clipboard-write"]
    )
    page.goto(f"{visit.server.url}/settings")
    page.get_by_role("button", name="Tell me when work ends").click()
    expect(page.locator("[data-notify]")).to_have_attribute("aria-pressed", "true")
    page.goto(visit.server.url)
    page.evaluate(_HEAR)
    visit.drop(upload)
    page.evaluate(_LOOK_AWAY)
    wait_until(lambda: page.evaluate("window.notices.length > 0"))
    told = page.evaluate("window.notices[0]")
    assert " done" in told, told  # the file, and what came of it
    page.goto(f"{visit.server.url}/settings")
    page.locator("[data-notify]").click()
    expect(page.locator("[data-notify]")).to_have_attribute("aria-pressed", "false")


def an_engine_is_tested(visit: Visit) -> None:
    """A button, and what comes of it stands beside the engine without a reload."""
    page = visit.page
    page.goto(f"{visit.server.url}/engines")
    page.evaluate("window.same = true")
    card = page.locator("#job-text")
    card.get_by_role("button", name="Test: Text of documents").click()
    expect(card.locator("[data-says]")).to_have_text("Works")
    expect(card).to_contain_text("The monthly rent is 940.00 EUR")
    expect(card.get_by_role("button", name="Test again: Text")).to_be_visible()
    assert page.evaluate("window.same")


def the_menu_works(visit: Visit, *, by_thumb: bool) -> None:
    """It opens, leads on and closes; on a phone it is where the thumb is."""
    page = visit.page
    page.goto(visit.server.url)
    page.get_by_text("More", exact=True).click()
    sheet = page.locator(".sheet")
    expect(sheet).to_be_visible()
    box = sheet.bounding_box()
    assert box is not None
    height = page.viewport_size["height"] if page.viewport_size else 0
    assert (height - box["y"] - box["height"] < _THUMB_PX) is by_thumb
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.get_by_text("More", exact=True).click()
    sheet.get_by_role("link", name="Health").click()
    expect(page.get_by_role("heading", name="Health")).to_be_visible()


def every_page_is_whole(visit: Visit) -> None:
    """None sticks out of its window, and all that is pressed can be hit."""
    page = visit.page
    for path in WORK_PAGES:
        page.goto(visit.server.url + path)
        assert not visit.scrolls_sideways(), path
        assert page.evaluate(_SMALL, LEAST_TARGET_PX) == [], path


def _tries(visit: Visit) -> int:
    """How often documents were begun; the task that queues them again is none."""
    return sum(
        task.attempt
        for task in visit.client.tasks()
        if task.name == "process_document_task"
    )


def _is_on_a_row(page: Page) -> bool:
    """Step down; a dialog that closes gives the focus back a moment later."""
    page.keyboard.press("j")
    return page.locator(".row:focus-within").count() == 1


def _focused_row(page: Page) -> str:
    key: str = page.evaluate('document.activeElement.closest(".row").dataset.key')
    return key
