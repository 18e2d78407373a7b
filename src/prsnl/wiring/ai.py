"""What the ai_processing queue is done with."""

from __future__ import annotations

from typing import Any

from prsnl.ai_processing.asking import LanguageModel
from prsnl.ai_processing.categorization import SmartCategorizer
from prsnl.ai_processing.categorizing import Categorizer
from prsnl.ai_processing.embedding import Embedder
from prsnl.ai_processing.embedding_batch import BatchEmbedder
from prsnl.ai_processing.embedding_upkeep import PassageEmbedder
from prsnl.ai_processing.service import ContentAnalyst
from prsnl.ai_processing.understanding import TextUnderstanding
from prsnl.wiring.embedding import policy
from prsnl.wiring.parts import Parts


def analyst(parts: Parts, embedder: Embedder) -> ContentAnalyst:
    """What tells what a text is about; other queues use it, too."""
    return ContentAnalyst(
        parts.database,
        parts.children,
        parts.unit_timeout_s,
        embedder,
        parts.settings.embedding.embedding_passages,
        categorizer(parts),
    )


def categorizer(parts: Parts) -> Categorizer:
    """What suggests categories."""
    return Categorizer(
        parts.database, parts.children, parts.unit_timeout_s, parts.taxonomy
    )


def services(
    parts: Parts, analyst: ContentAnalyst, model: LanguageModel | None = None
) -> dict[type[Any], Any]:
    """By type, as a task asks for them."""
    smart = SmartCategorizer(analyst, analyst.categorizer, model)

    def categories(owner: str) -> list[str]:
        taxonomy = analyst.categorizer.taxonomy(owner)
        return [category.name for category in taxonomy.categories]

    return {
        ContentAnalyst: analyst,
        TextUnderstanding: TextUnderstanding(analyst, model, categories),
        SmartCategorizer: smart,
        BatchEmbedder: BatchEmbedder(analyst.embedder),
        PassageEmbedder: PassageEmbedder(analyst.embedder, policy(parts.settings)),
    }
