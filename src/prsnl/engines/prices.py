"""What a call costs, by the price list that comes with genai-prices; no network."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from prsnl.engines.reach import Endpoint, Reach

#: Providers of the list by the names that the settings have for them.
_LISTED: Final = ("openai", "azure")
_MILLION: Final = Decimal(1_000_000)


@dataclass(frozen=True, kw_only=True)
class Prices:
    """Prices in US dollars; own ones come before the list's.

    Attributes:
        usd_per_million_in: For tokens that go out, where the list does not know.
        usd_per_million_out: For tokens that come back.
    """

    usd_per_million_in: Decimal | None = None
    usd_per_million_out: Decimal | None = None

    def price(
        self,
        endpoint: Endpoint,
        *,
        tokens_in: int,
        tokens_out: int,
        audio_s: float | None = None,
        model: str | None = None,
    ) -> Decimal | None:
        """What a call costs; None if nobody knows, 0 where the machine is one's own.

        Args:
            endpoint: Who is asked.
            tokens_in: Tokens that go out.
            tokens_out: Tokens that come back.
            audio_s: Of a recording, in seconds.
            model: As the provider names it, which says more than a deployment's name.
        """
        if endpoint.reach is not Reach.CLOUD:
            return Decimal(0)
        if self.usd_per_million_in is not None and audio_s is None:
            out = self.usd_per_million_out or Decimal(0)
            return (self.usd_per_million_in * tokens_in + out * tokens_out) / _MILLION
        usage: dict[str, Any] = {"audio_seconds": audio_s}
        if audio_s is None:
            usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
        for name in filter(None, (model, endpoint.model)):
            if (known := _listed(endpoint, name, usage)) is not None:
                return known
        return None


def _listed(endpoint: Endpoint, model: str, usage: dict[str, Any]) -> Decimal | None:
    # 30 MB, which a process that asks nobody in the cloud has no use for.
    from genai_prices import Usage, calc_price  # noqa: PLC0415

    by: dict[str, Any] = {"provider_api_url": f"https://{endpoint.host}/v1"}
    if endpoint.provider in _LISTED:
        by = {"provider_id": endpoint.provider}
    try:
        return calc_price(Usage(**usage), model, **by).total_price
    except (LookupError, ValueError):
        return None
