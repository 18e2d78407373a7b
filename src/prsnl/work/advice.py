"""What an error's code means in plain words, and what a person does about it.

The one table of advice: a new code gets a row here, and a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Advice:
    """Of one code: for one task or for many."""

    #: What happened.
    sentence: str
    #: What helps.
    what_to_do: str


_GET_IT_AGAIN = (
    "Get the file again from where it came, and send that. Trying this one again "
    "changes nothing."
)
_ASK_OTHERWISE = "Look at one task's message, and submit it anew, changed as that says."
_KEYS = "Use a key that may do it: ./prsnl keys create makes one."
_REPORT = "Try again. If it fails again, please report it with the id of a task."
_WAIT_AND_RETRY = "Try again: it was tried several times by itself, and gave up."
_SETTING = "Set what the message names, restart the workers, and try again."
_ENGINES = "./prsnl engines shows what is set; ./prsnl engines use changes it."

ADVICE: Final[Mapping[str, Advice]] = {
    # The input or the request.
    "bad_request": Advice("What was asked for makes no sense.", _ASK_OTHERWISE),
    "not_found": Advice(
        "What it was to work on is not there any more.",
        "Nothing, if it was deleted on purpose; else send the file again.",
    ),
    "conflict": Advice(
        "It did not fit what was there already.",
        "Look at one task's message: what it names has to change first.",
    ),
    "unauthorized": Advice("The key was missing or is unknown.", _KEYS),
    "forbidden": Advice("The key may not do this.", _KEYS),
    "quota": Advice(
        "There is no room left for this owner.",
        "Delete what is not needed and empty the trash, or have the quota raised; "
        "then try again.",
    ),
    "too_large": Advice(
        "It is larger than may be.",
        "Split it, or have the limit raised that the message names; then try again.",
    ),
    "unsupported": Advice(
        "Nothing here reads this kind of file.",
        "Save it in another format, PDF for one, and send that. After an update that "
        "reads it, try again.",
    ),
    "encrypted": Advice(
        "A password protects the file.",
        "Give its password on the page of the file, or process it with ./prsnl process "
        "FILE --password-file -. Trying "
        "again without one changes nothing.",
    ),
    "corrupt": Advice("The file is damaged beyond reading.", _GET_IT_AGAIN),
    "empty": Advice("The file holds nothing that can be read.", _GET_IT_AGAIN),
    "local_only": Advice(
        "It may not leave this machine, and only an engine elsewhere could do it.",
        f"Choose an engine of this machine, and try again. {_ENGINES}",
    ),
    "budget": Advice(
        "A budget is set that nobody can tell this would keep to.",
        "Raise PRSNL_LLM_BUDGET_PER_DAY_USD or unset it, or choose a cheaper model; "
        "then try again.",
    ),
    "provider_rejected": Advice(
        "The provider does not take such requests: its key, model or address is wrong.",
        f"Mend what the message names, then try again. {_ENGINES}",
    ),
    "parameter_not_known": Advice(
        "The provider's model does not know something that it was asked with.",
        f"Choose another model, then try again. {_ENGINES}",
    ),
    "model_refused": Advice(
        "The model, or its provider's filter, refuses this text.",
        f"Have another model do it, then try again. {_ENGINES}",
    ),
    "too_long_for_model": Advice(
        "The text is longer than the model reads at once.",
        f"Choose a model that reads more at once, then try again. {_ENGINES}",
    ),
    "unusable_answer": Advice(
        "The model's answers did not fit what it was asked.",
        f"Try again; if that does not help, choose a better model. {_ENGINES}",
    ),
    # The world, for a while.
    "unavailable": Advice("Something that it needs did not answer.", _WAIT_AND_RETRY),
    "too_many_requests": Advice(
        "More was asked for at once than is taken.", _WAIT_AND_RETRY
    ),
    "too_many_tasks": Advice(
        "As many tasks were in line as may be.",
        "Try again when some are done, or have the cap raised that the message names.",
    ),
    "too_slow": Advice(
        "What was sent came too slowly to be waited for.",
        "Send it again over a better line.",
    ),
    "provider_failed": Advice(
        "The provider failed to answer, and said so.", _WAIT_AND_RETRY
    ),
    "provider_silent": Advice(
        "The provider did not answer in time; it may have counted the request.",
        _WAIT_AND_RETRY,
    ),
    "provider_down": Advice(
        "The provider was away.", f"Try again when it is back. {_ENGINES}"
    ),
    "provider_unreachable": Advice(
        "Nothing could be sent to the provider.",
        f"Look whether it runs and its address is right, then try again. {_ENGINES}",
    ),
    # More than a task may have.
    "out_of_memory": Advice(
        "It needed more memory than a task may have, also when it had twice as much.",
        "Give tasks more memory (./prsnl doctor shows the limits) or split the file, "
        "then try again.",
    ),
    "time_limit": Advice(
        "It took longer than a task may.",
        "Try again when the machine has less to do, or split the file.",
    ),
    "disk_full": Advice(
        "There was no room on the disk.", "Make room on the disk, then try again."
    ),
    "database_full": Advice(
        "The database had no room on its disk.",
        "Make room on the database's disk, then try again.",
    ),
    # What died.
    "child_crashed": Advice(
        "What worked on it crashed, three times with nothing done in between.",
        _REPORT,
    ),
    "child_killed": Advice("What worked on it was stopped from outside.", "Try again."),
    # The installation.
    "settings": Advice("A setting has a value that cannot be.", _SETTING),
    "start": Advice("A part of the service could not start.", _SETTING),
    "bug": Advice("Something in this program went wrong.", _REPORT),
}
_UNKNOWN: Final = Advice("It failed for a reason that is not known here.", _REPORT)


def of(code: str | None) -> Advice:
    """The advice of a code; of one that another version gave, what is always true."""
    return ADVICE.get(code or "", _UNKNOWN)
