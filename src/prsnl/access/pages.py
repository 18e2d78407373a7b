"""The page behind a sign-in link: looking at it uses nothing up.

A preview in a chat fetches the address and runs scripts at times; so the token stands
behind the `#`, where no request carries it, and a person presses the button. Only on
this machine itself, where no preview comes from, the form sends itself.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { display: grid; place-content: center; min-height: 90vh; margin: 0 1rem; }
main { max-width: 26rem; }
input, button { font: inherit; box-sizing: border-box; width: 100%; padding: .7rem;
  margin-top: .7rem; }
"""
_SCRIPT: Final = """
const code = document.getElementById("code");
const form = document.getElementById("form");
const given = location.hash.slice(1);
if (given) {
  history.replaceState(null, "", location.pathname);
  code.value = given;
  code.parentElement.hidden = true;
  const here = location.hostname;
  if (["localhost", "127.0.0.1", "[::1]"].includes(here)) form.submit();
}
"""


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


#: The page's own policy: its one style and its one script, and nothing else.
POLICY: Final = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_FORM: Final = """
<p>Sign this browser in, with a link of <code>./prsnl link</code>.</p>
<form id="form" method="post" action="/link">
<label>The part of the link after #
<input id="code" name="token" required autocomplete="off" spellcheck="false"></label>
<button autofocus>Sign in</button>
</form>
"""


def sign_in_page(said: str | None = None) -> str:
    """The form; with what went wrong, or what has been done, above it."""
    told = (
        "" if said is None else f'<p role="alert"><strong>{escape(said)}</strong></p>'
    )
    script = f"<script>{_SCRIPT}</script>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex">'
        f"<title>Sign in · PRSNL</title><style>{_STYLE}</style>"
        f"<main><h1>PRSNL</h1>{told}{_FORM}</main>{script}</html>"
    )
