"""The settings of the engines: what they may use, and which are asked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from prsnl.core.settings.concern import GIB, MIB, Concern, Seconds


class Children(Concern):
    """What a sandbox child may use."""

    child_memory_bytes: int = Field(
        1536 * MIB, ge=256 * MIB, description="Address space of a child, in bytes."
    )
    child_disk_bytes: int = Field(
        GIB, ge=MIB, description="What a child may write to its scratch, in bytes."
    )
    child_answer_bytes: int = Field(
        GIB, ge=MIB, description="What a child may answer in one operation, in bytes."
    )
    child_unit_timeout_s: Seconds = Field(
        timedelta(seconds=60),
        description="Time for one page or unit; a child that is silent for so long is "
        "ended.",
    )
    child_cpu_s: int = Field(
        3600, ge=10, description="Processor time of a child in its whole life."
    )
    child_nice: int = Field(
        0,
        ge=0,
        le=19,
        description="How far a child gives way to other processes that want a core "
        "(19: it takes what they leave).",
    )
    child_idle_s: Seconds = Field(
        timedelta(seconds=45), description="A warm child is given up after so long."
    )
    children_memory_bytes: int | None = Field(
        None,
        ge=256 * MIB,
        description="Memory that the children at work on this machine may take, all "
        "together; default: what is free, of a container what it may have. A task "
        "waits until its child fits.",
    )
    text_memory_bytes: int | None = Field(
        None,
        ge=256 * MIB,
        description="Address space of a child that analyses and embeds text; default: "
        "as of any child.",
    )
    media_memory_bytes: int | None = Field(
        None,
        ge=256 * MIB,
        description="Address space of a child that decodes sound and film; default: "
        "as of any child.",
    )
    media_cpu_s: int = Field(
        12 * 3600,
        ge=60,
        description="Processor time of a child that decodes or hears a recording.",
    )


class Ocr(Concern):
    """How pictures of text are read."""

    ocr_engine: str = Field(
        "auto",
        pattern="^(auto|tesseract|rapidocr|none)$",
        description="`auto`, `tesseract`, `rapidocr` or `none`.",
    )
    ocr_languages: str | None = Field(
        None,
        description="What scans are written in, such as `de,en`; default: detected.",
    )
    ocr_concurrency: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Pages read at once on this machine; default: its cores, and one a "
        "GiB of memory at most.",
    )
    ocr_memory_bytes: int = Field(
        2 * GIB, ge=512 * MIB, description="Address space of an OCR child, in bytes."
    )
    ocr_page_timeout_s: Seconds = Field(
        timedelta(seconds=120), description="Time for OCR of one page."
    )
    ocr_page_pixels: int = Field(
        20_000_000,
        ge=1_000_000,
        le=100_000_000,
        description="A page is drawn for OCR with at most so many pixels.",
    )


class Embedding(Concern):
    """How much of a document can be found by its meaning."""

    #: 1.5 million characters, a book of 700 pages: half a minute of one core.
    embedding_passages: int = Field(
        2048,
        ge=32,
        le=1_000_000,
        description="So many passages of a document are embedded; its text is kept "
        "whole.",
    )
    embedding_provider: Literal["local", "openai", "azure", "compatible"] = Field(
        "local", description="`local`, `openai`, `azure` or `compatible`."
    )
    embedding_model: str | None = Field(
        None,
        description="The provider's model, of Azure the deployment; default: OpenAI's "
        "`text-embedding-3-small`.",
    )
    embedding_dimensions: int | None = Field(
        None,
        ge=1,
        le=16_000,
        description="Values of a vector, of a model that offers several sizes; "
        "default: its own.",
    )
    embedding_base_url: str | None = Field(
        None,
        description="The provider's address; default: the language model's, if that "
        "has the same provider.",
    )
    embedding_api_key: SecretStr | None = Field(
        None,
        description="Its key; default: the language model's, if that has the same "
        "provider and address.",
    )


class Llm(Concern):
    """Which language model answers, and how much it may be asked."""

    llm_provider: Literal["openai", "azure", "compatible", "extractive"] | None = Field(
        None,
        description="`openai`, `azure`, `compatible` or `extractive`; default: "
        "`compatible` where a base address is set, `openai` where a key is, else "
        "`extractive`.",
    )
    llm_base_url: str | None = Field(
        None, description="The provider's address: of Azure the resource's."
    )
    llm_api_key: SecretStr | None = Field(None, description="The provider's key.")
    llm_token_file: Path | None = Field(
        None,
        description="A file with a token in place of the key, read at every request; "
        "of Azure one of Entra ID.",
    )
    llm_model: str | None = Field(
        None, description="The model that analyses; of Azure the deployment."
    )
    llm_cheap_model: str | None = Field(
        None, description="The model for many small questions; default: the same."
    )
    llm_api_version: str | None = Field(None, description="Azure's API version.")
    llm_context_tokens: int | None = Field(
        None,
        ge=2048,
        le=2_000_000,
        description="A model reads and writes so many tokens at once; default: 32000, "
        "of a compatible server 8000.",
    )
    llm_thinking_tokens: int = Field(
        0,
        ge=0,
        le=100_000,
        description="A model that thinks may do so with so many tokens, beside those "
        "of its answer.",
    )
    llm_requests_per_minute: int | None = Field(
        None, ge=1, description="Requests a minute to one model, over all workers."
    )
    llm_tokens_per_minute: int | None = Field(
        None, ge=1, description="Tokens a minute to one model, over all workers."
    )
    llm_concurrency: int = Field(
        4, ge=1, le=256, description="Requests to a provider at once, over all workers."
    )
    llm_burst: int = Field(
        1,
        ge=1,
        le=10_000,
        description="Requests that may go together after a pause; more than the limit "
        "allows in a minute by so many.",
    )
    llm_timeout_s: Seconds = Field(
        timedelta(seconds=120), description="Time for one answer."
    )
    llm_budget_per_day_usd: float | None = Field(
        None,
        ge=0,
        description="Tasks wait for the next day (UTC) before a day's calls cost more.",
    )
    llm_usd_per_million_in: float | None = Field(
        None,
        ge=0,
        description="Price of a million tokens that go out; default: the price list's.",
    )
    llm_usd_per_million_out: float | None = Field(
        None, ge=0, description="Price of a million tokens that come back."
    )

    @property
    def provider(self) -> Literal["openai", "azure", "compatible", "extractive"]:
        """The provider that is set, or follows from what else is."""
        if self.llm_provider is not None:
            return self.llm_provider
        if self.llm_base_url is not None:
            return "compatible"
        return "openai" if self.llm_api_key or self.llm_token_file else "extractive"


class Speech(Concern):
    """Who writes down what is said."""

    speech_order: Literal["local", "cloud", "local,cloud", "cloud,local"] = Field(
        "local", description="`local`, `cloud`, `local,cloud` or `cloud,local`."
    )
    speech_model: str | None = Field(
        None,
        description="Name of a model in the data folder's `models/`, or an absolute "
        "folder; default: the largest that is there.",
    )
    speech_base_url: str | None = Field(
        None,
        description="Address of a server that speaks the transcription protocol; "
        "default: the language model's.",
    )
    speech_api_key: SecretStr | None = Field(
        None, description="Its key; default: the language model's."
    )
    speech_cloud_model: str = Field(
        "whisper-1", description="The server's model; of Azure the deployment."
    )
    speech_patience: float = Field(
        8.0,
        gt=0,
        description="With two engines the first gives way to the other when it takes "
        "so many times the recording's length.",
    )
    speech_segment_timeout_s: Seconds = Field(
        timedelta(minutes=10), description="Time for a segment of half a minute."
    )
    speech_memory_bytes: int | None = Field(
        None,
        ge=512 * MIB,
        description="Address space of a child that hears; default: 3 GiB, and three "
        "times the largest model.",
    )
    speech_threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="Cores that a local model may use; default: the machine's.",
    )


class Models(Concern):
    """Where models are fetched from."""

    models_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Address of a host with the same paths, for `./prsnl models get`; "
        "default: the catalogue's.",
    )


class Privacy(Concern):
    """What may leave this machine."""

    local_only: bool = Field(
        default=False, description="`true`: no cloud engine can be called at all."
    )
    local_hosts: str | None = Field(
        None,
        description="Private addresses, with commas between, that count as this "
        "machine.",
    )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The private addresses that count as this machine."""
        named = (self.local_hosts or "").split(",")
        return tuple(one for part in named if (one := part.strip()))
