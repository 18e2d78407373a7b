"""POST /api/background/media/..."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(prefix="/api/background/media", tags=["media processing"])
