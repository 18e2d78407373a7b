"""The client's calls for texts: what they are about, and what a model says of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.wire.tasks import Accepted
from prsnl.wire.usage import QuoteBody

_AI: Final = "/api/background/ai"


class AiCalls(Connection):
    """What a program may ask of texts. Each is a task: `wait` for its result."""

    def analyze_item(
        self,
        item_id: UUID | str,
        *,
        summary_length: int = 5,
        local_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have an item analysed; what is found is shown on it, too.

        Args:
            item_id: The item; its file has been processed.
            summary_length: At most so many sentences.
            local_only: A model elsewhere is not asked.
            idempotency_key: Makes it safe to repeat.
        """
        body = {
            "content_id": str(item_id),
            "options": {"summary_length": summary_length, "local_only": local_only},
        }
        return self._submit("analyze-content", body, idempotency_key)

    def quote_item(self, item_id: UUID | str) -> QuoteBody:
        """What an analysis of an item would take; nothing is queued."""
        answer = self._ask(
            "POST",
            f"{_AI}/analyze-content",
            params={"dry_run": True},
            json={"content_id": str(item_id)},
        )
        return parsed(QuoteBody, answer)

    def quote(self, content: str, prompt_type: str) -> QuoteBody:
        """What a question would take: requests, tokens, money, time; none is made."""
        answer = self._ask(
            "POST",
            f"{_AI}/process-with-llm",
            params={"dry_run": True},
            json={"content": content, "prompt_type": prompt_type},
        )
        return parsed(QuoteBody, answer)

    def process_with_llm(
        self,
        content: str,
        prompt_type: str,
        *,
        summary_length: int = 5,
        language: str | None = None,
        categories: tuple[str, ...] = (),
        local_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have something asked of a text.

        Args:
            content: The text.
            prompt_type: `summarize`, `analyze`, `categorize` or `extract_insights`.
            summary_length: At most so many sentences.
            language: Answer in this one (ISO 639-1); else in the text's own.
            categories: Choose among these.
            local_only: No byte may leave the server's machine.
            idempotency_key: Makes it safe to repeat.

        Raises:
            BadRequestError: There is no such prompt type.
            LocalOnlyError: The only model is elsewhere.
        """
        options: dict[str, Any] = {
            "summary_length": summary_length,
            "categories": list(categories),
            "local_only": local_only,
        }
        if language is not None:
            options["language"] = language
        body = {"content": content, "prompt_type": prompt_type, "options": options}
        return self._submit("process-with-llm", body, idempotency_key)

    def categorize(
        self,
        item_ids: Sequence[UUID | str] = (),
        *,
        contents: Sequence[str] = (),
        local_only: bool = False,
        idempotency_key: str | None = None,
    ) -> Accepted:
        """Have categories suggested for items, and for texts that are none.

        Args:
            item_ids: What is suggested is kept with them; a person's own word stays.
            contents: Their suggestions are in the result alone, after the items'.
            local_only: A model elsewhere is not asked.
            idempotency_key: Makes it safe to repeat.

        Raises:
            NotFoundError: One of the items is not there.
        """
        body = _filing(item_ids, contents, local_only=local_only)
        return self._submit("smart-categorization", body, idempotency_key)

    def quote_categories(
        self,
        item_ids: Sequence[UUID | str] = (),
        *,
        contents: Sequence[str] = (),
        local_only: bool = False,
    ) -> QuoteBody:
        """What it would take to have them suggested; nothing is queued or sent."""
        answer = self._ask(
            "POST",
            f"{_AI}/smart-categorization",
            params={"dry_run": True},
            json=_filing(item_ids, contents, local_only=local_only),
        )
        return parsed(QuoteBody, answer)

    def _submit(
        self, path: str, body: dict[str, Any], idempotency_key: str | None
    ) -> Accepted:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        answer = self._ask("POST", f"{_AI}/{path}", json=body, headers=headers)
        return parsed(Accepted, answer)


def _filing(
    item_ids: Sequence[UUID | str], contents: Sequence[str], *, local_only: bool
) -> dict[str, Any]:
    texts = [{"content": content} for content in contents]
    return {
        "content_items": [*map(str, item_ids), *texts],
        "options": {"local_only": local_only},
    }
