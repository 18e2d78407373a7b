"""The media_processing queue: one function per spec, and no Celery."""

from __future__ import annotations

from prsnl.work.specs import Catalogue

TASKS = Catalogue()
