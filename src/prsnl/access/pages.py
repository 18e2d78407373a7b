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
:root { color-scheme: light dark; font: 1rem/1.55 system-ui, sans-serif;
  --paper: #fbfaf7; --card: #ffffff; --ink: #1d2321; --soft: #5a6360;
  --accent: #14605a; --on: #ffffff; --bad: #a3261d; --focus: #1a66d0; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14181a; --card: #1c2124; --ink: #e8eae7; --soft: #a6b0ad;
  --accent: #6cc5bb; --on: #0b1f1d; --bad: #f2988e; --focus: #82b4ff; } }
body { margin: 12vh auto 2rem; padding: 0 1.25rem; max-width: 32rem;
  background: var(--paper); color: var(--ink); }
h1 { margin: 1.5rem 0 .75rem; font-size: 1.7rem; line-height: 1.25; }
.brand { font-weight: 700; letter-spacing: .09em; }
[role=alert] { color: var(--bad); }
code { font: .9em/1.4 ui-monospace, Menlo, Consolas, monospace; }
label { display: block; font-weight: 600; }
input, button { font: inherit; box-sizing: border-box; width: 100%; min-height: 2.6rem;
  margin-top: .4rem; padding: .35rem .75rem; border: 1px solid var(--soft);
  border-radius: .6rem; background: var(--card); color: var(--ink); }
button { margin-top: .75rem; border-color: var(--accent); background: var(--accent);
  color: var(--on); font-weight: 550; cursor: pointer; }
:focus-visible { outline: .18rem solid var(--focus); outline-offset: .15rem; }
"""
# A second link that is opened in the same tab changes what is behind the # alone.
_SCRIPT: Final = """
const code = document.getElementById("code");
const form = document.getElementById("form");
function take() {
  const given = location.hash.slice(1);
  if (!given) return;
  history.replaceState(null, "", location.pathname);
  code.value = given;
  code.parentElement.hidden = true;
  const here = location.hostname;
  if (["localhost", "127.0.0.1", "[::1]"].includes(here)) form.submit();
}
addEventListener("hashchange", take);
take();
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
<p>With the link that <code>./prsnl link</code> prints, or that a browser which is
signed in shows under Keys and browsers.</p>
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
        f'<main><p class="brand">PRSNL</p><h1>Sign in</h1>{told}{_FORM}</main>'
        f"{script}</html>"
    )
