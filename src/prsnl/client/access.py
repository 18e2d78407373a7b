"""The client's calls for keys and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from prsnl.client.connection import Connection, parsed
from prsnl.wire.access import KeyBody, LinkBody, MadeKey, MeBody, Scope, SignedOut
from prsnl.wire.base import Page
from prsnl.wire.monitoring import HealthBody

_KEYS: Final = "/api/keys"


class AccessCalls(Connection):
    """Who may ask, and how a browser is let in."""

    def me(self) -> MeBody:
        """Who the key stands for, and what it may do."""
        return parsed(MeBody, self._ask("GET", "/api/me"))

    def make_link(self) -> LinkBody:
        """A one-use link that signs a browser in, with what this key may do."""
        return parsed(LinkBody, self._ask("POST", "/api/links"))

    def keys(self) -> list[KeyBody]:
        """All keys, newest first, without their secrets. Needs the scope `admin`."""
        found: list[KeyBody] = []
        params: dict[str, Any] = {"limit": 200}
        while True:
            page = parsed(Page[KeyBody], self._ask("GET", _KEYS, params=params))
            found.extend(page.items)
            if page.next is None:
                return found
            params["before"] = page.next

    def create_key(
        self,
        *,
        owner: str,
        name: str,
        scopes: Sequence[Scope] = (Scope.READ, Scope.WRITE),
        expires_in_days: int | None = None,
    ) -> MadeKey:
        """Make a key; its secret is told this once. Needs the scope `admin`.

        Args:
            owner: Whose documents it is for.
            name: What it is for.
            scopes: What it may do.
            expires_in_days: It ends by itself then; None for never.
        """
        wanted = {
            "owner": owner,
            "name": name,
            "scopes": list(scopes),
            "expires_in_days": expires_in_days,
        }
        return parsed(MadeKey, self._ask("POST", _KEYS, json=wanted))

    def revoke_key(self, key_id: UUID | str) -> KeyBody:
        """Let a key in no more. Needs the scope `admin`."""
        return parsed(KeyBody, self._ask("DELETE", f"{_KEYS}/{key_id}"))

    def sign_out_everywhere(self) -> SignedOut:
        """Sign every browser of this key's owner out; keys go on."""
        return parsed(SignedOut, self._ask("DELETE", "/api/sessions"))

    def health(self) -> HealthBody:
        """How the parts of the server are. Needs no key."""
        return parsed(HealthBody, self._ask("GET", "/health"))
