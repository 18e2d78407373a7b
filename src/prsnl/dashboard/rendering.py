"""Templates become pages that may load nothing but our own files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from prsnl import __version__
from prsnl.core.errors import NotFoundError
from prsnl.dashboard import telling
from prsnl.dashboard.recordings import segment_clock
from prsnl.dashboard.words import FILTERS, ago, moment

_HERE: Final = Path(__file__).parent
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
#: No script, style or picture from elsewhere, and none written into a page; nobody
#: shows a page of ours inside one of his.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Asset:
    """One file that pages load."""

    content: bytes
    media_type: str
    #: Changes when any of them does, so that a browser may keep it for good.
    url: str


def _assets() -> dict[str, Asset]:
    """All of them, in one folder with a name of its own: scripts find one another."""
    found = {path.name: path.read_bytes() for path in (_HERE / "assets").iterdir()}
    parts = [part for name in sorted(found) for part in (name.encode(), found[name])]
    version = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
    return {
        name: Asset(content, _TYPES[Path(name).suffix], f"/assets/{version}/{name}")
        for name, content in found.items()
    }


ASSETS: Final = _assets()


def asset(name: str) -> Asset:
    """A file that pages load.

    Raises:
        NotFoundError: There is none of that name.
    """
    try:
        return ASSETS[name]
    except KeyError as error:
        raise NotFoundError("There is no such file.") from error


def page(
    name: str,
    values: Mapping[str, Any],
    *,
    status: HTTPStatus = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """One page as an answer."""
    return HTMLResponse(
        _template(name).render(values),
        status_code=status,
        headers={**HEADERS, **(headers or {})},
    )


def _time(value: datetime) -> Markup:
    """A moment: how long ago for the eye, when exactly for a pointer and a program."""
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), moment(value), ago(value)
    )


def _exact(value: datetime) -> Markup:
    """A moment to the minute; a script tells it in the reader's own zone."""
    return Markup('<time class="exact facts" datetime="{}">{}</time>').format(
        value.isoformat(timespec="seconds"), moment(value)
    )


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        FILTERS,
        **telling.FILTERS,
        time=_time,
        exact=_exact,
        segment_clock=segment_clock,
    )
    made.globals["asset"] = lambda name: ASSETS[name].url
    made.globals["version"] = __version__
    return made


_ENVIRONMENT: Final = _environment()


def _template(name: str) -> Template:
    return _ENVIRONMENT.get_template(f"{name}.html")
