"""A job, the engines that could do it here, and what would be better."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from prsnl.engines.reach import Reach


class Job(StrEnum):
    """What is done with a document or a recording."""

    KIND = "kind"
    TEXT = "text"
    OCR = "ocr"
    LANGUAGE = "language"
    KEY_SENTENCES = "key-sentences"
    SORTING = "sorting"
    LLM = "llm"
    EMBEDDING = "embedding"
    SPEECH = "speech"
    SPEAKERS = "speakers"
    VIDEO = "video"


#: What people call it.
TITLES = {
    Job.KIND: "Kinds of files",
    Job.TEXT: "Text of documents",
    Job.OCR: "Text in pictures (OCR)",
    Job.LANGUAGE: "Language",
    Job.KEY_SENTENCES: "Key sentences, keywords, facts",
    Job.SORTING: "Document types and categories",
    Job.LLM: "Summaries in own words, insights",
    Job.EMBEDDING: "Search by meaning",
    Job.SPEECH: "Speech",
    Job.SPEAKERS: "Who speaks",
    Job.VIDEO: "Sound and pictures of recordings",
}


class Standing(StrEnum):
    """How an engine stands to its job."""

    #: It does the job.
    IN_USE = "in use"
    #: It is here, and would do it if the one in use could not.
    READY = "ready"
    #: It is not here.
    ABSENT = "absent"
    #: A setting says no.
    OFF = "off"


@dataclass(frozen=True, kw_only=True)
class EngineState:
    """One engine for one job."""

    #: With its version or model.
    name: str
    standing: Standing
    #: A sentence: how good it is, with figures where they were measured.
    how_good: str
    #: Where the bytes of a document go.
    reach: Reach = Reach.LOCAL
    #: The host that gets them; None for this program itself.
    host: str | None = None


@dataclass(frozen=True)
class Better:
    """What would do a job better, and how to get it."""

    sentence: str
    #: What the user types; None where it takes more than a command.
    command: str | None


@dataclass(frozen=True, kw_only=True)
class JobState:
    """Who does a job here."""

    job: Job
    #: The one in use first.
    engines: tuple[EngineState, ...]
    better: tuple[Better, ...] = ()

    @property
    def title(self) -> str:
        """What people call the job."""
        return TITLES[self.job]
