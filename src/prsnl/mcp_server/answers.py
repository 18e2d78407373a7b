"""Answers for a language model: short, in plain words, with addresses to follow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prsnl.items.models import AttachmentView, ItemView, PageView
from prsnl.wire.files import Uploaded
from prsnl.wire.search import Hit, SearchAnswer, Snippet
from prsnl.wire.tasks import StatusBody

_SENTENCES = 5
_TAGS = 10


def searched(told: SearchAnswer, server: str) -> str:
    """Hits, each with what opens it."""
    lines = [
        f"Nothing holds {one.typed}; looked for {one.used} instead."
        for one in told.corrections
    ]
    for number, hit in enumerate(told.hits, start=1):
        lines += _hit(number, hit, server)
    if not told.hits:
        lines.append("Nothing that was read holds that.")
    if told.next:
        lines.append(f"{told.total} places in all. More: cursor={told.next}")
    if told.only_words_because:
        lines.append(told.only_words_because)
    return "\n".join(lines)


def _hit(number: int, hit: Hit, server: str) -> Iterator[str]:
    facts = [hit.place.text, hit.document_type, hit.document_date]
    told = ", ".join(str(fact) for fact in facts if fact)
    yield f"{number}. {hit.title} ({told})"
    yield f"   {marked(hit.snippet)}"
    if hit.doubt:
        yield f"   Careful: {hit.doubt}"
    yield (
        f"   get_text attachment_id={hit.attachment_id} from_page={hit.place.page}"
        f"   get_item item_id={hit.item_id}"
    )
    yield f"   {server}{hit.url}"
    if hit.more_in_item:
        yield f"   {hit.more_in_item} more places in it: item_id={hit.item_id}"


def marked(snippet: Snippet) -> str:
    """The words around, what was found between stars."""
    made, place = "", 0
    for start, end in snippet.marks:
        made += f"{snippet.text[place:start]}**{snippet.text[start:end]}**"
        place = end
    return made + snippet.text[place:]


def item(found: ItemView, server: str) -> str:
    """What was learned of an item, and its files."""
    facts = {
        "date": found.document_date,
        "language": found.language,
        "tags": ", ".join(found.tags[:_TAGS]),
    }
    lines = [found.title]
    lines += [f"{name}: {value}" for name, value in facts.items() if value]
    if found.key_sentences:
        lines.append("Key sentences, quoted:")
        lines += [f"- {one['text']}" for one in found.key_sentences[:_SENTENCES]]
    lines.append("Files:")
    lines += [_file(one) for one in found.attachments]
    lines.append(f"{server}/items/{found.id}")
    return "\n".join(lines)


def _file(file: AttachmentView) -> str:
    facts = [file.kind, file.document_type, file.processing_status.value]
    if file.page_count:
        facts.insert(1, f"{file.page_count} pages or parts")
    told = ", ".join(fact for fact in facts if fact)
    return f"- {file.file_name} ({told}): get_text attachment_id={file.id}"


def text(
    pages: Iterable[PageView], *, from_page: int, offset: int, most: int, count: int
) -> str:
    """Pages from one on, as many characters as fit, and how to go on.

    Args:
        pages: From *from_page* on.
        from_page: Counted from 1.
        offset: Of the first page so many characters are left out.
        most: Characters of text.
        count: How many pages there are; 0 if that is not known.
    """
    lines: list[str] = []
    left, going_on = most, ""
    for page in pages:
        if left <= 0:
            going_on = f"More: from_page={page.number}"
            break
        start = offset if page.number == from_page else 0
        piece = page.text[start : start + left]
        lines += [f"[page {page.number}{f' of {count}' if count else ''}]", piece]
        left -= len(piece)
        if start + len(piece) < len(page.text):
            end = start + len(piece)
            going_on = f"More: from_page={page.number} offset={end}"
            break
    if not lines:
        return "There is no text there: it has not been read, or the page is beyond it."
    return "\n".join([*lines, going_on or "[the end]"])


def submitted(sent: Uploaded) -> str:
    """What became of a file that was sent."""
    told = f"item_id={sent.item_id} attachment_id={sent.attachment.id}"
    if sent.task is None:
        return f"Kept. {told}"
    return (
        f"Kept, and being read. {told}\n"
        f"Follow it: task_status task_id={sent.task.task_id}"
    )


def status(task: StatusBody) -> str:
    """How far a task is, and why it waits or failed."""
    share = task.progress.percentage
    lines = [f"{task.name}: {task.status}{'' if share is None else f', {share:.0f} %'}"]
    lines += [
        line
        for line in (
            task.waiting_because or task.progress.message,
            task.error and f"{task.error.code}: {task.error.message}",
        )
        if line
    ]
    lines += [f"Note: {warning}" for warning in task.warnings]
    if task.attachment_id is not None:
        lines.append(f"get_text attachment_id={task.attachment_id}")
    return "\n".join(lines)
