"""What the ai_processing queue is done with."""

from __future__ import annotations

from typing import Any

from prsnl.ai_processing.embedding import Embedder, LocalEmbedder
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.wiring.parts import Parts


def analyst(parts: Parts) -> ContentAnalyst:
    """What tells what a text is about; other queues use it, too."""
    return ContentAnalyst(
        parts.database,
        parts.children,
        parts.unit_timeout_s,
        embedder(parts),
        parts.settings.embedding.embedding_passages,
    )


def embedder(parts: Parts) -> Embedder:
    """What makes vectors: by the settings' model, or on this machine."""
    local = LocalEmbedder(parts.children, parts.unit_timeout_s)
    return Embedder(parts.database, usual=local, private=local)


def services(analyst: ContentAnalyst) -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    return {ContentAnalyst: analyst}
