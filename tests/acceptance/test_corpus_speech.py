"""What the draft engine hears: only where a corpus of real speech is named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from prsnl.engines.speech import operations
from prsnl.engines.speech.contract import Activity, LanguageCheck, Segment, Unit
from tests.fakes.child_files import FolderFiles

#: Errors in a hundred words, over all English recordings together.
WORD_ERROR_RATE = 0.36
ENGINE = {"engine": "prsnl.engines.speech.sphinx", "setup": {}}


@pytest.mark.timeout(240)
def test_real_speech_is_heard_as_well_as_the_engine_can(corpus: Path) -> None:
    """English as a draft; silence without words; no English where it is German."""
    rows = [
        row
        for line in (corpus / "manifest.jsonl").read_text().splitlines()
        if (row := json.loads(line))["kind"] == "speech"
    ]
    errors = words = 0
    for row in rows:
        file = corpus / row["file"]
        units, is_known, said = heard(file)
        language = row["expect"]["lang"]
        print(f"{file.name}: {len(units)} segments, known: {is_known}")
        if language == "none":
            assert units == (), file.name
            continue
        assert units, file.name
        assert is_known == (language == "en"), file.name
        if language == "en":
            truth = plain((corpus / row["truth"]).read_text())
            errors += distance(truth, plain(said))
            words += len(truth)
    assert words
    assert errors / words <= WORD_ERROR_RATE


def heard(file: Path) -> tuple[tuple[Unit, ...], bool, str]:
    """Where somebody speaks, whether it is English, and what is said."""
    files = FolderFiles(file.parent, file.parent)
    params: dict[str, Any] = {"path": file.name, **ENGINE}
    *_, last = operations.survey(files, params)
    units = Activity.model_validate(last).units
    if not units:
        return units, True, ""
    told = [unit.model_dump(mode="json") for unit in units]
    some = [told[place] for place in sorted({0, len(told) // 2})]
    (frame,) = operations.check(files, {**params, "units": some})
    if not LanguageCheck.model_validate(frame).is_known:
        return units, False, ""
    frames = operations.transcribe(files, {**params, "units": told})
    return units, True, " ".join(Segment.model_validate(one).text for one in frames)


NUMBERS = dict(
    zip(
        "zero one two three four five six seven eight nine ten".split(),  # noqa: SIM905 - reads as a row
        map(str, range(11)),
        strict=True,
    )
)


def plain(text: str) -> list[str]:
    """The words of a text, without case and signs."""
    found = re.findall(r"\w+", text.casefold().replace("'", "").replace("\u2019", ""))
    return [NUMBERS.get(word, word) for word in found]


def distance(one: list[str], other: list[str]) -> int:
    """How many words must be put in, taken out or changed."""
    before = list(range(len(other) + 1))
    for place, word in enumerate(one, 1):
        now = [place]
        for at, another in enumerate(other, 1):
            changed = before[at - 1] + (word != another)
            now.append(min(before[at] + 1, now[-1] + 1, changed))
        before = now
    return before[-1]


def test_the_distance_counts_words() -> None:
    """The measuring helper sees each kind of error."""
    assert distance(plain("One, two three"), plain("1 3")) == 1
    assert distance(["a"], ["b", "c"]) == 2
    assert distance(["a", "b"], ["a", "b"]) == 0
