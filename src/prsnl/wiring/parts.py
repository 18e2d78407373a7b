"""What the services of one process are made of."""

from __future__ import annotations

from dataclasses import dataclass

from prsnl.core.db import Database
from prsnl.core.settings import Settings
from prsnl.core.storage import Storage
from prsnl.engines.sandbox.pool import SandboxPool
from prsnl.engines.taxonomy.contract import Taxonomy


@dataclass(frozen=True)
class Parts:
    """What every service may use."""

    settings: Settings
    database: Database
    storage: Storage
    children: SandboxPool
    #: What the documents of those are sorted by who have set nothing.
    taxonomy: Taxonomy

    @property
    def unit_timeout_s(self) -> float:
        """Time for one page or unit, in seconds."""
        return self.settings.children.child_unit_timeout_s.total_seconds()
