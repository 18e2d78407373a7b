"""From nothing to results: `./prsnl process samples/` in a fresh copy.

Each round copies the repository's files to a folder of its own, with no `.venv` and an
empty data folder, and runs the command as a new user would; then, in the same place, a
PDF of ten pages that is made here. One round before the counted ones fills the
installer's cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

import machine

REPOSITORY: Final = Path(__file__).parents[1]
FIRST_S: Final = 90.0
SECOND_S: Final = 8.0
_LONGEST_S: Final = 900
_PAGES: Final = 10
_LINES: Final = 40
#: What a new user's shell does not set.
_OURS: Final = ("PRSNL_", "PYTHON", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Round:
    """Seconds of one round."""

    first_s: float
    second_s: float
    #: The part of the first that was the set-up.
    set_up_s: float
    disk_mib: float


def main() -> int:
    """Measure, print, and tell by the exit status whether both bars hold."""
    parser = argparse.ArgumentParser(prog="bench first-run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="one round, none before")
    asked = parser.parse_args()
    print(machine.described())
    if asked.quick:
        asked.rounds = 1
    else:
        _round()
    rounds = [_round() for _ in range(asked.rounds)]
    first_s = statistics.median(each.first_s for each in rounds)
    second_s = statistics.median(each.second_s for each in rounds)
    installer = "uv" if shutil.which("uv") else "pip"
    print(f"\nmedians of {asked.rounds}, wheels in the cache of {installer}")
    rows = [
        ["samples, from nothing", f"{first_s:.1f}", f"{FIRST_S:g}", _spread(rounds)],
        [
            "  of it the set-up",
            f"{statistics.median(each.set_up_s for each in rounds):.1f}",
            "",
            "",
        ],
        [f"PDF of {_PAGES} pages, then", f"{second_s:.1f}", f"{SECOND_S:g}", ""],
    ]
    print(machine.table(["", "seconds", "allowed", "least-most"], rows))
    print(f".venv on disk: {rounds[-1].disk_mib:.0f} MiB")
    return 0 if first_s <= FIRST_S and second_s <= SECOND_S else 1


def _spread(rounds: list[Round]) -> str:
    told = [each.first_s for each in rounds]
    return f"{min(told):.1f}-{max(told):.1f}"


def _round() -> Round:
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as another user
        clone = folder / "prsnl"
        _copy(clone)
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(_OURS)
        }
        environment["PRSNL_DATA_DIR"] = str(folder / "data")
        pdf = clone / "ten pages.pdf"
        write_pdf(pdf, _PAGES)
        started_at = time.time()
        first_s = _run(clone, environment, "process", "samples/")
        set_up_s = (clone / ".venv" / "python-version").stat().st_mtime - started_at
        second_s = _run(clone, environment, "process", pdf.name)
        sizes = (
            path.lstat().st_blocks * 512
            for path in (clone / ".venv").rglob("*")
            if not path.is_symlink()
        )
        return Round(first_s, second_s, set_up_s, sum(sizes) / 2**20)


def _copy(clone: Path) -> None:
    listed = subprocess.run(
        # What would be committed, new files too.
        [  # noqa: S607 - the user's own
            "git",
            "-C",
            str(REPOSITORY),
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        source = REPOSITORY / name
        if source.is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, clone / name)


def _run(clone: Path, environment: dict[str, str], *arguments: str) -> float:
    started_at = time.monotonic()
    child = subprocess.Popen(
        ["./prsnl", *arguments],
        cwd=clone,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = child.communicate(timeout=_LONGEST_S)
    except BaseException:
        child.terminate()  # it stops what it started
        child.wait(60)
        raise
    seconds = time.monotonic() - started_at
    if child.returncode != 0:
        raise SystemExit(f"./prsnl {' '.join(arguments)} failed:\n{output}")
    print(f"  ./prsnl {' '.join(arguments)}: {seconds:.1f} s", flush=True)
    return seconds


def write_pdf(path: Path, pages: int) -> None:
    """Write a PDF of so many pages of plain text, byte by byte."""
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(1, pages + 1):
        lines = "".join(
            f"(Page {page}, line {line}: the kettle of flat {page} boils every day at "
            f"{line % 24}:00.) Tj 0 -16 Td "
            for line in range(1, _LINES + 1)
        )
        content = f"BT /F1 11 Tf 60 770 Td {lines}ET"
        place = (
            f"/Parent 2 0 R /MediaBox [0 0 595 842] /Contents {len(objects) + 2} 0 R"
        )
        objects += [
            f"<< /Type /Page {place} /Resources << /Font << /F1 3 0 R >> >> >>",
            f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
        ]
    data, offsets = "%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n"
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    path.write_text(
        f"{data}xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
        f"startxref\n{len(data)}\n%%EOF\n",
        encoding="ascii",
    )


if __name__ == "__main__":
    raise SystemExit(main())
