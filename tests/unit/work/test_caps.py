"""Caps as they are set, and what a refusal says."""

from __future__ import annotations

import pytest

from prsnl.core.errors import SettingsError
from prsnl.work.caps import EACH_OWNER, NONE, Caps, parsed


def test_nothing_set_is_no_cap() -> None:
    assert parsed(None, None, None, " ") == NONE


def test_caps_are_read_by_queue_and_for_each_owner() -> None:
    told = parsed(2, 900, "media_processing=1, ai_processing=8", "insights=5")

    assert told.running == {EACH_OWNER: 2, "media_processing": 1, "ai_processing": 8}
    assert told.queued == {EACH_OWNER: 900, "insights": 5}


@pytest.mark.parametrize(
    "wrong", ["media", "media_processing=0", "media_processing=many", "films=1"]
)
def test_a_wrong_cap_names_its_setting_and_the_queues(wrong: str) -> None:
    with pytest.raises(SettingsError, match="PRSNL_QUEUE_RUNNING_MAX") as told:
        parsed(None, None, wrong, None)

    assert "media_processing" in told.value.message


def test_a_task_that_waits_for_a_cap_says_which() -> None:
    own = Caps(running={EACH_OWNER: 1})
    whole = Caps(running={"insights": 2})

    assert str(own.reason("insights", of_owner=1, in_queue=0)).startswith(
        "You have 1 task running, the most at once"
    )
    assert "insights has 2 tasks running" in str(
        whole.reason("insights", of_owner=0, in_queue=2)
    )
    assert own.reason("insights", of_owner=0, in_queue=9) is None
    assert whole.reason("analysis", of_owner=9, in_queue=9) is None
