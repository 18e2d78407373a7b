"""What the sandbox costs: a one-page PDF parsed bare, and in a warm child.

Run by `./prsnl bench sandbox`; the two are interleaved, so that a busy machine slows
both. What is parsed is made here.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pypdfium2

from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.sandbox.conversation import ChildLimits
from prsnl.engines.sandbox.pool import Profile, SandboxPool

RUNS = 30
#: What a one-page file may cost in a warm child beyond the bare parse.
ALLOWED_MS = 60.0
_MIB = 2**20


def parse(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """The operation that is measured: the text of a PDF's pages."""
    yield {"text": text_of(files.inputs / params["name"])}


def text_of(path: Path) -> str:
    """The text of all pages."""
    document = pypdfium2.PdfDocument(path)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def one_page(path: Path) -> None:
    """Write a PDF of one page with forty lines of text."""
    lines = "".join(
        f"(Line {number} of a lease agreement about a kettle.) Tj 0 -16 Td "
        for number in range(40)
    )
    content = f"BT /F1 11 Tf 60 770 Td {lines}ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R %s>>"
        % b"/Resources << /Font << /F1 5 0 R >> >> ",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    data = b"%PDF-1.7\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    path.write_bytes(
        data
        + b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(data)
    )


def milliseconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def main() -> int:
    """Measure, print, and tell by the exit status whether the bound holds."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        pdf = Path(folder, "page.pdf")
        one_page(pdf)
        with SandboxPool(
            scratch_root=Path(folder, "scratch"),
            limits=ChildLimits(disk_bytes=64 * _MIB),
            profiles={
                "document": Profile(
                    preload=("pypdfium2", "prsnl.engines.contracts", "sandbox"),
                    idle=timedelta(minutes=5),
                    memory_bytes=1536 * _MIB,
                )
            },
            operations={"bench.parse": "sandbox:parse"},
            source_folders=(Path(__file__).parent,),
        ) as pool:
            return _measure(pool, pdf)


def _measure(pool: SandboxPool, pdf: Path) -> int:
    def sandboxed() -> None:
        with pool.child("document") as child:
            os.link(pdf, child.put("page.pdf"))
            told = child.call("bench.parse", {"name": "page.pdf"}, timeout_s=60)
        assert "Line 39" in told["text"]

    cold_ms = milliseconds(sandboxed)
    text_of(pdf)
    pairs = [
        (milliseconds(lambda: text_of(pdf)), milliseconds(sandboxed))
        for _ in range(RUNS)
    ]
    bare_ms = statistics.median(bare for bare, _ in pairs)
    warm_ms = statistics.median(warm for _, warm in pairs)
    idle = psutil.Process().children(recursive=True)
    idle_mib = sum(each.memory_full_info().pss for each in idle) / _MIB
    layers = pool.probe_layers()
    print(
        f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, medians of {RUNS}"
    )
    print(f"  bare parse              {bare_ms:7.1f} ms")
    print(f"  in a warm child         {warm_ms:7.1f} ms")
    more_ms = warm_ms - bare_ms
    print(f"  difference              {more_ms:7.1f} ms  (allowed: {ALLOWED_MS:g})")
    print(f"  in a cold child         {cold_ms:7.1f} ms")
    print(f"  warm and idle           {idle_mib:7.1f} MiB (PSS, {len(idle)} processes)")
    print(f"  layers                  {layers}")
    for sentence in layers.missing():
        print(f"  missing: {sentence}")
    return 0 if more_ms <= ALLOWED_MS else 1


if __name__ == "__main__":
    raise SystemExit(main())
