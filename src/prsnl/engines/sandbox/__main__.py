"""The launcher: gives up its rights, makes namespaces, then is the nursery."""

from __future__ import annotations

import socket
import sys

from prsnl.engines.sandbox.launcher import launch

if __name__ == "__main__":
    launch(socket.socket(fileno=int(sys.argv[1])))
