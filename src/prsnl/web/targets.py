"""What a request's first line names: a path, or the whole address with its host."""

from __future__ import annotations

import re
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)")


class HttpProtocol(HttpToolsProtocol):
    """Has the host of an absolute address take the place of the header `Host`.

    So RFC 9112, section 3.2.2, has it; else a request could name one host to whoever
    reads its first line, and another one to the check of hosts.
    """

    def on_headers_complete(self) -> None:
        """Go on with the head of a request as if it had named a path."""
        named = _ABSOLUTE.match(self.url)
        if named is not None:
            rest = self.url[named.end() :]
            self.url = rest if rest.startswith(b"/") else b"/" + rest
            # In place: the scope has this very list.
            self.headers[:] = [one for one in self.headers if one[0] != b"host"]
            self.headers.append((b"host", named[1]))
        super().on_headers_complete()
