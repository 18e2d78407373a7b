"""What the embedding of many texts would take, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from prsnl.ai_processing.embedding_specs import EmbedTexts
from prsnl.core.db import Db
from prsnl.engines.embedding.contract import Limits, batches
from prsnl.engines.llm.contract import estimated_tokens
from prsnl.engines.reach import Endpoint, Reach
from prsnl.items import vectors
from prsnl.items.vectors import ModelName, content_of
from prsnl.wire.usage import QuoteBody
from prsnl.work import privacy
from prsnl.work.quoting import Planned, Quoter


@dataclass(frozen=True)
class Choice:
    """The model of the settings, and what is known of it without asking it."""

    name: ModelName
    limits: Limits
    #: Where it is asked; it looks the name up. None for the model of this program.
    endpoint: Callable[[], Endpoint] | None = None


@dataclass(frozen=True)
class EmbeddingQuoter:
    """Tells what a request for vectors would take; what is kept costs nothing."""

    usual: Choice
    private: Choice

    def quote(
        self, connection: Db, command: EmbedTexts, quoter: Quoter, *, owner: str
    ) -> QuoteBody:
        """What it would take now."""
        endpoint = self._endpoint(connection, command, owner)
        choice = self.private if endpoint is None else self.usual
        unique = {content_of(one.content): one.content for one in command.items}
        known = vectors.known(
            connection,
            choice.name,
            list(unique),
            owner=owner,
            space=command.cache_prefix,
        )
        texts = [text for key, text in unique.items() if key not in known.contents]
        planned = [
            Planned(sum(_tokens(texts[place], choice.limits) for place in places))
            for places in batches(texts, choice.limits)
        ]
        if endpoint is None:
            return QuoteBody.of_this_program(len(planned))
        return QuoteBody.of(
            quoter.quote(connection, endpoint, planned, purpose="embedding")
        )

    def _endpoint(
        self, connection: Db, command: EmbedTexts, owner: str
    ) -> Endpoint | None:
        """Where the texts would go; None if they stay."""
        if self.usual.endpoint is None:
            return None
        endpoint = self.usual.endpoint()
        told = command.model_dump(mode="json")
        stays = endpoint.reach is not Reach.LOCAL and (
            privacy.is_asked(told)
            or privacy.is_of_items(connection, privacy.ids_in(told), owner=owner)
        )
        return None if stays else endpoint


def _tokens(text: str, limits: Limits) -> int:
    return min(estimated_tokens(text), limits.text_tokens)
