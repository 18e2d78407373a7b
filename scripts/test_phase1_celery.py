#!/usr/bin/env python3
"""The acceptance run of the background service, over HTTP, against any server.

    scripts/test_phase1_celery.py --server http://127.0.0.1:8000 --key KEY

Every task of the working queues is asked for by its route, followed to its end and
judged by what came of it, not by the answer's status alone; then progress, errors,
cancelling, retries and response times. It prints a table, and exits with 1 unless all
of it passes. It needs Python and its standard library alone, and leaves in the trash
what it has uploaded.
"""

# ruff: noqa: S310, T201 - a script that asks the server it is told
from __future__ import annotations

import argparse
import io
import json
import math
import os
import statistics
import struct
import sys
import time
import urllib.error
import urllib.request
import uuid
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

_ENDED = ("success", "failure", "dead", "revoked")
_LONGEST_S = 300.0
#: A submit and a status answer at once, whatever the workers do.
_ANSWER_S = 1.0
_TEXT = (
    "The tenant pays a monthly rent of 940.00 EUR to the landlord, due on 1 June 2024. "
    "The deposit is 2,820.00 EUR. Either side may end the lease in writing with three "
    "months' notice; questions go to office@example.org. The flat on the second floor "
    "has three rooms and a balcony above the courtyard."
)


class Failed(Exception):  # noqa: N818 - what a check says
    """What was expected, and what came."""


@dataclass
class Server:
    """One server, asked with one key."""

    address: str
    key: str
    waits_s: list[float] = field(default_factory=list)
    items: list[str] = field(default_factory=list)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: tuple[str, bytes] | None = None,
        expect: int | None = None,
    ) -> Any:
        """The answer's JSON; another status than the one expected is a failure."""
        headers = {"Authorization": f"Bearer {self.key}"}
        data = None
        if content is not None:
            headers["Content-Type"], data = _form(*content)
        elif body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, headers=headers, method=method
        )
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, told = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, told = error.code, error.read()
        self.waits_s.append(time.monotonic() - began)
        is_expected = status == expect if expect else status < 400  # noqa: PLR2004
        if not is_expected:
            raise Failed(f"{method} {path} answered {status}: {told[:300]!r}")
        return json.loads(told) if told.strip().startswith((b"{", b"[")) else told

    def upload(self, name: str, content: bytes) -> str:
        """Keep a file without processing it; its id."""
        told = self.ask(
            "POST", "/api/attachments?process=false", content=(name, content)
        )
        self.items.append(told["item_id"])
        return str(told["attachment"]["id"])

    def submit(self, path: str, body: Any) -> str:
        """Queue a task; its id."""
        told = self.ask("POST", f"/api/background/{path}", body, expect=202)
        if told["status"] != "started" or not told["monitor_url"]:
            raise Failed(f"the answer to a submit is {told}")
        return str(told["task_id"])

    def status(self, task_id: str) -> Any:
        """How a task is."""
        return self.ask("GET", f"/api/background/status/{task_id}")

    def ended(self, task_id: str) -> Any:
        """How a task ended; progress must only grow."""
        until = time.monotonic() + _LONGEST_S
        seen = 0
        while True:
            told = self.status(task_id)
            current = told["progress"]["current"]
            if current < seen:
                raise Failed(f"progress went back from {seen} to {current}")
            seen = current
            if told["status"] in _ENDED:
                return told
            if time.monotonic() > until:
                raise Failed(f"it did not end: {told.get('waiting_because')}")
            time.sleep(0.2)

    def done(self, path: str, body: Any) -> Any:
        """The result of a task that must succeed."""
        told = self.ended(self.submit(path, body))
        if told["status"] != "success":
            raise Failed(f"it ended as {told['status']}: {told['error']}")
        if told["progress"]["percentage"] not in (100, None):
            raise Failed(f"it ended at {told['progress']}")
        return told["result"]

    def clean_up(self) -> None:
        """Move what was uploaded to the trash."""
        for item in dict.fromkeys(self.items):
            self.ask("DELETE", f"/api/items/{item}")


def expect(what: str, *, is_so: bool, told: Any) -> None:
    """Fail with what came, unless it is so."""
    if not is_so:
        raise Failed(f"expected {what}, and got {json.dumps(told)[:400]}")


def analyze_content(server: Server) -> None:
    """Key sentences are of the text, amounts are found."""
    told = server.done("ai/analyze-content", {"content": _TEXT})
    quotes = [one["text"] for one in told["key_sentences"]]
    is_theirs = bool(quotes) and all(quote in _TEXT for quote in quotes)
    expect("key sentences of the text", is_so=is_theirs, told=quotes)
    values = [one["value"] for one in told["entities"]]
    expect("the rent", is_so="940.00 EUR" in values, told=values)


def generate_embeddings(server: Server) -> None:
    """Equal texts are embedded once."""
    mark = uuid.uuid4().hex
    items = [
        {"id": str(n), "content": f"{mark} text {n % 2}", "type": "note"}
        for n in range(4)
    ]
    told = server.done("ai/generate-embeddings-batch", {"items": items})
    counts = (told["texts"], told["unique"], told["cached"] + told["embedded"])
    expect("4 texts, 2 different ones, 2 vectors", is_so=counts == (4, 2, 2), told=told)


def process_with_llm(server: Server) -> None:
    """Each kind of question is answered, or says what it needs."""
    for kind in ("summarize", "analyze", "categorize", "extract_insights"):
        told = server.done(
            "ai/process-with-llm", {"content": _TEXT, "prompt_type": kind}
        )
        is_honest = told["needs"] is not None or told["engine"] != "extractive"
        expect(f"an answer to {kind}", is_so=is_honest, told=told)
    body = {"content": _TEXT, "prompt_type": "sing"}
    server.ask("POST", "/api/background/ai/process-with-llm", body, expect=422)


def smart_categorization(server: Server) -> None:
    """Every text gets a category or is told to have none."""
    items = [{"content": _TEXT, "title": "Lease"}]
    told = server.done("ai/smart-categorization", {"content_items": items})
    is_whole = told["categorized"] + told["uncategorized"] == 1 and not told["failed"]
    expect("one item, told about", is_so=is_whole, told=told)


def process_document(server: Server) -> None:
    """A PDF becomes text, with its page in the ledger."""
    words = f"Invoice {uuid.uuid4().hex[:8]} of 12 May 2024 over 81.18 EUR"
    file_id = server.upload("invoice.pdf", _pdf(words))
    told = server.done("files/process-document", {"file_id": file_id})
    expect("one page", is_so=told["pages"] == 1, told=told)
    text = server.ask("GET", f"/api/attachments/{file_id}/text").decode()
    expect("the text of the page", is_so=words in text, told=text)
    pages = server.ask("GET", f"/api/attachments/{file_id}/pages")["items"]
    expect("a reason for the page", is_so=bool(pages[0]["reason"]), told=pages)


def extract_pdf_text(server: Server) -> None:
    """The characters of a PDF are counted."""
    file_id = server.upload("two.pdf", _pdf(uuid.uuid4().hex, uuid.uuid4().hex))
    told = server.done("files/extract-pdf-text", {"file_id": file_id})
    is_right = told["pages"] == 2 and told["characters"] >= 64  # noqa: PLR2004
    expect("two pages of 32 letters", is_so=is_right, told=told)


def analyze_file(server: Server) -> None:
    """A file's facts are told with their place."""
    content = f"{_TEXT}\n\n{uuid.uuid4().hex}\n".encode()
    file_id = server.upload("lease.txt", content)
    server.done("files/analyze", {"file_id": file_id})
    told = server.ask("GET", f"/api/attachments/{file_id}/insights")
    values = [one["value"] for one in told["insights"]]
    expect("the rent among the facts", is_so="940.00 EUR" in values, told=values)


def batch_files(server: Server) -> None:
    """Of three files one is broken: two succeed, one is named."""
    names = [f"{uuid.uuid4().hex} {number}" for number in range(2)]
    ids = [server.upload(f"{n}.txt", f"{_TEXT} {n}".encode()) for n in names]
    ids.append(server.upload("broken.pdf", b"%PDF-1.7 " + os.urandom(64)))
    task_id = server.submit("files/batch", {"file_ids": ids})
    told = server.ended(task_id)
    expect("a batch that ends", is_so=told["status"] == "success", told=told)
    children = server.ask("GET", f"/api/background/tasks/{task_id}/children")["items"]
    states = sorted(one["status"] for one in children)
    expect(
        "two of three", is_so=states == ["failure", "success", "success"], told=states
    )


def transcribe_audio(server: Server) -> None:
    """Silence yields no words."""
    file_id = server.upload("silence.wav", _wav(3.0, loud=False))
    told = server.done("media/transcribe-audio", {"file_id": file_id})
    is_right = told["words"] == 0 and abs(told["duration_s"] - 3) < 0.1  # noqa: PLR2004
    expect("3 s without a word", is_so=is_right, told=told)


def process_video(server: Server) -> None:
    """A video of two shots has its size, its length, and a frame of each shot."""
    file_id = server.upload("two-shots.avi", _avi())
    told = server.done(
        "media/process-video", {"file_id": file_id, "options": {"frame_count": 8}}
    )
    size = (told["width"], told["height"])
    expect("64 x 48", is_so=size == (64, 48), told=told)
    expect("two frames", is_so=told["frames"] == 2, told=told)  # noqa: PLR2004
    frames = server.ask("GET", f"/api/attachments/{file_id}/frames")["items"]
    picture = server.ask(
        "GET", f"/api/attachments/{file_id}/frames/{frames[0]['number']}.jpg"
    )
    expect("a JPEG", is_so=picture[:2] == b"\xff\xd8", told=frames)


def enhance_video(server: Server) -> None:
    """What has no transcript cannot be enhanced, and says so."""
    file_id = server.upload("silence.wav", _wav(2.0, loud=False))
    told = server.ended(server.submit("media/enhance-video", {"file_id": file_id}))
    is_clear = told["status"] == "failure" and bool(told["error"]["message"])
    expect("a failure that says why", is_so=is_clear, told=told)


def batch_transcribe(server: Server) -> None:
    """Two recordings as one task; both end."""
    ids = [server.upload(f"tone-{n}.wav", _wav(1.0 + n, loud=True)) for n in range(2)]
    task_id = server.submit("media/batch-transcribe", {"file_ids": ids})
    told = server.ended(task_id)
    expect("a batch that ends", is_so=told["status"] == "success", told=told)
    children = server.ask("GET", f"/api/background/tasks/{task_id}/children")["items"]
    expect("two recordings", is_so=len(children) == 2, told=children)  # noqa: PLR2004


def unknown_things(server: Server) -> None:
    """What is not there is 404, what makes no sense 422."""
    server.ask("GET", f"/api/background/status/{uuid.uuid4()}", expect=404)
    body: Any = {"content": _TEXT, "options": {"loud": True}}
    server.ask("POST", "/api/background/ai/analyze-content", body, expect=422)
    body = {"file_id": str(uuid.uuid4())}
    server.ask("POST", "/api/background/files/process-document", body, expect=404)


def failures_are_listed(server: Server) -> None:
    """A broken file fails for good, is a dead letter, and can be queued again."""
    file_id = server.upload("broken.pdf", b"%PDF-1.7 " + os.urandom(64))
    task_id = server.submit("files/process-document", {"file_id": file_id})
    told = server.ended(task_id)
    expect("a failure", is_so=told["status"] == "failure", told=told)
    letters = server.ask("GET", "/api/background/dead-letters?limit=200")["items"]
    listed = task_id in [one["task_id"] for one in letters]
    expect("it among the dead letters", is_so=listed, told=letters[:3])
    server.ask("POST", f"/api/background/tasks/{task_id}/retry")
    again = server.ended(task_id)
    expect("a second try", is_so=again["attempt"] > told["attempt"], told=again)


def cancelling(server: Server) -> None:
    """A task that is cancelled stays so."""
    pages = [f"page {number} {uuid.uuid4().hex}" for number in range(300)]
    file_id = server.upload("long.pdf", _pdf(*pages))
    task_id = server.submit("files/process-document", {"file_id": file_id})
    server.ask("DELETE", f"/api/background/tasks/{task_id}")
    told = server.ended(task_id)
    expect("revoked", is_so=told["status"] == "revoked", told=told)


def monitoring(server: Server) -> None:
    """Queues, lists, performance and health answer with what was done."""
    queues = [one["name"] for one in server.ask("GET", "/api/queues")["items"]]
    expect("seven queues", is_so=len(queues) == 7, told=queues)  # noqa: PLR2004
    done = server.ask("GET", "/api/background/performance/overview?hours=1")
    names = {one["name"] for one in done["tasks"]}
    missing = {"process_document_task", "transcribe_audio_task"} - names
    expect("the tasks of this run", is_so=not missing, told=sorted(names))
    server.ask("GET", "/api/background/tasks/active")
    health = server.ask("GET", "/health")
    expect("health", is_so=health["database"] == "ok", told=health)


def answers_at_once(server: Server) -> None:
    """Looks answer within a second, 19 of 20, while the workers are busy."""
    for _ in range(20):
        server.submit("ai/analyze-content", {"content": f"{_TEXT} {uuid.uuid4()}"})
    began = len(server.waits_s)
    for _ in range(20):
        server.ask("GET", "/api/background/tasks/active")
    slow = sorted(server.waits_s[began:])[-2]
    expect(f"under {_ANSWER_S} s", is_so=slow < _ANSWER_S, told=round(slow, 3))


TESTS: dict[str, dict[str, Callable[[Server], None]]] = {
    "ai_processing": {
        "analyze_content_task": analyze_content,
        "generate_embeddings_batch_task": generate_embeddings,
        "process_with_llm_task": process_with_llm,
        "smart_categorization_task": smart_categorization,
    },
    "file_processing": {
        "process_document_task": process_document,
        "extract_text_from_pdf_task": extract_pdf_text,
        "analyze_file_with_ai_task": analyze_file,
        "batch_process_files_task": batch_files,
    },
    "media_processing": {
        "transcribe_audio_task": transcribe_audio,
        "process_video_task": process_video,
        "enhance_video_with_ai_task": enhance_video,
        "batch_transcribe_videos_task": batch_transcribe,
    },
    "service": {
        "unknown things": unknown_things,
        "failures are listed and retried": failures_are_listed,
        "cancelling": cancelling,
        "monitoring": monitoring,
        "answers at once": answers_at_once,
    },
}


def main() -> int:
    """Run all, print the table, and tell by the exit status whether all passed."""
    asked = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    asked.add_argument("--server", default=os.environ.get("PRSNL_SERVER"))
    asked.add_argument("--key", default=os.environ.get("PRSNL_API_KEY"))
    wanted = asked.parse_args()
    if not wanted.server or not wanted.key:
        asked.error("give --server and --key (or PRSNL_SERVER and PRSNL_API_KEY)")
    server = Server(wanted.server.rstrip("/"), wanted.key)
    passed = total = 0
    for group, tests in TESTS.items():
        print(f"\n{group}")
        for name, test in tests.items():
            began = time.monotonic()
            try:
                test(server)
            except (Failed, OSError, KeyError, TypeError, ValueError) as error:
                told = f"FAILED  {type(error).__name__}: {error}"
            else:
                told = "passed"
                passed += 1
            total += 1
            print(f"  {name:34} {time.monotonic() - began:6.1f} s  {told}")
    server.clean_up()
    waits = sorted(server.waits_s)
    p95 = waits[math.ceil(0.95 * len(waits)) - 1]
    print(
        f"\n{passed} of {total} passed ({100 * passed // total} %).   {len(waits)} "
        f"requests: median {1000 * statistics.median(waits):.0f} ms, p95 "
        f"{1000 * p95:.0f} ms, most {1000 * waits[-1]:.0f} ms"
    )
    return 0 if passed == total else 1


def _form(name: str, content: bytes) -> tuple[str, bytes]:
    """A form with one file: its content type and its bytes."""
    mark = uuid.uuid4().hex
    head = (
        f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"'
        "\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{mark}--\r\n".encode()
    return f"multipart/form-data; boundary={mark}", body


def _pdf(*lines: str) -> bytes:
    """A PDF with a line of text on each page."""
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(lines)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(lines)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, line in enumerate(lines):
        shown = f"BT /F1 12 Tf 72 700 Td ({line}) Tj ET"
        objects += [
            (
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources "
                f"<< /Font << /F1 3 0 R >> >> /Contents {5 + 2 * number} 0 R >>"
            ),
            f"<< /Length {len(shown)} >>\nstream\n{shown}\nendstream",
        ]
    data = bytearray(b"%PDF-1.4\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = len(data)
    data += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    trailer = f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\n"
    return bytes(data) + f"{trailer}startxref\n{table}\n%%EOF\n".encode()


def _wav(seconds: float, *, loud: bool) -> bytes:
    """A recording of a tone, or of nothing."""
    rate = 16_000
    file = io.BytesIO()
    with wave.open(file, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(rate)
        # A little of its own, so that no two are the same file.
        noise = struct.unpack("<8b", os.urandom(8))
        samples = (
            int(8000 * math.sin(440 * math.tau * n / rate))
            if loud
            else noise[n % 8] // 32
            for n in range(int(rate * seconds))
        )
        recording.writeframes(b"".join(struct.pack("<h", one) for one in samples))
    return file.getvalue()


def _avi() -> bytes:
    """Two seconds of uncompressed video, 64 by 48 at 10 frames a second, with a cut."""
    wide, high, rate, frames = 64, 48, 10, 20
    size = wide * high * 3
    pictures = [_picture(wide, high, is_second=n >= frames // 2) for n in range(frames)]
    header = struct.pack(
        "<14I", 1_000_000 // rate, size * rate, 0, 0x10, frames, 0, 1, size, wide, high,
        0, 0, 0, 0,
    )  # fmt: skip
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H", b"vids", b"DIB ", 0, 0, 0, 0, 1, rate, 0, frames, size, 0,
        size, 0, 0, wide, high,
    )  # fmt: skip
    picture = struct.pack("<IiiHHIIiiII", 40, wide, high, 1, 24, 0, size, 0, 0, 0, 0)
    strl = _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", picture))
    head = _list(b"hdrl", _chunk(b"avih", header) + strl)
    movi = _list(b"movi", b"".join(_chunk(b"00db", one) for one in pictures))
    index = b"".join(
        struct.pack("<4sIII", b"00db", 0x10, 4 + n * (size + 8), size)
        for n in range(frames)
    )
    body = b"AVI " + head + movi + _chunk(b"idx1", index)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _picture(wide: int, high: int, *, is_second: bool) -> bytes:
    """A picture that is not plain: squares, of other colours after the cut."""
    dark, light = (
        ((30, 160, 40), (220, 40, 90)) if is_second else ((200, 60, 20), (10, 20, 120))
    )
    own = os.urandom(1)[0] % 8  # so that no two are the same file
    return bytes(_pixels(wide, high, dark, (light[0], light[1], light[2] + own)))


def _pixels(
    wide: int, high: int, dark: tuple[int, ...], light: tuple[int, ...]
) -> Iterator[int]:
    for y in range(high):
        for x in range(wide):
            yield from dark if (x // 8 + y // 8) % 2 else light


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _list(name: bytes, content: bytes) -> bytes:
    return _chunk(b"LIST", name + content)


if __name__ == "__main__":
    sys.exit(main())
