"""What goes over HTTP for vectors of texts."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from prsnl.core.texts import StorableText
from prsnl.wire.base import Body


class Encoding(StrEnum):
    """How the numbers of a vector are written."""

    FLOAT = "float"
    #: Little-endian float32, one after another.
    BASE64 = "base64"


class VectorQuery(BaseModel):
    """Which vectors of a task."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task_id: UUID = Field(description="The task that embedded the texts.")
    id: list[StorableText] = Field(
        default_factory=list,
        max_length=200,
        description="Your own names of the texts; all without any.",
    )
    encoding: Encoding = Field(
        Encoding.FLOAT, description="`base64` is little-endian float32."
    )
    limit: int = Field(100, ge=1, le=200, description="Most vectors in one answer.")
    after: int = Field(
        0, ge=0, le=2**31 - 1, description="`next` of the answer before."
    )


class VectorBody(Body):
    """One text's vector."""

    #: The caller's own name and kind of the text.
    id: str
    type: str | None
    provider: str
    model: str
    dimensions: int
    #: Numbers, or their base64.
    embedding: list[float] | str
