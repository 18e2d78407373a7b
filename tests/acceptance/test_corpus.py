"""Quality on real files: only where PRSNL_TEST_CORPUS names a corpus with truth."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 420.0
KINDS = ("pdf", "office", "manifest", "hostile")


@pytest.fixture
def outputs(corpus: Path, home: Path) -> Path:
    """What `process` writes for the corpus's documents and hostile files."""
    folders = [str(corpus / "files" / kind) for kind in KINDS]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "prsnl",
            "process",
            *folders,
            "--output",
            str(home / "out"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "PRSNL_DATA_DIR": str(home / "data"),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1, done.stderr  # the hostile ones fail, by name
    return home / "out"


@pytest.mark.timeout(500)
def test_the_corpus_is_read_at_the_promised_quality(
    corpus: Path, outputs: Path, tmp_path: Path
) -> None:
    scores = tmp_path / "scores.json"
    subprocess.run(
        [
            sys.executable,
            str(corpus / "score.py"),
            str(outputs),
            "--kinds",
            ",".join(KINDS),
            "--json",
            str(scores),
        ],
        check=True,
        capture_output=True,
    )

    summary = json.loads(scores.read_text())["summary"]

    pdf = summary["pdf"]
    assert pdf["outputs_missing"] == 0
    for measure in ("recall_mean", "recall_pooled", "precision_mean"):
        assert pdf[f"word_{measure}"] >= 0.99, measure
    assert pdf["word_precision_pooled"] >= 0.99
    office = summary["office"]
    assert office["outputs_missing"] == 0
    assert office["word_recall_mean"] >= 0.97
    assert office["word_recall_pooled"] >= 0.97
    manifests = summary["manifest"]
    assert manifests["dependency_recall_mean"] == 1.0
    assert manifests["dependency_precision_mean"] == 1.0
    assert summary["hostile"] == {
        "files": summary["hostile"]["files"],
        "good": summary["hostile"]["files"],
    }
