"""A program that starts the stack of a folder, tells about it, and waits for the end.

Prints one line of JSON: the addresses and the pids, or the error's sentence.
"""

import json
import sys
from contextlib import suppress
from pathlib import Path

from prsnl.core.errors import StartError
from prsnl.embedded.stack import EmbeddedStack
from prsnl.embedded.supervisor import Supervisor


def main(data_dir: Path) -> int:
    with Supervisor() as supervisor, supervisor.signals():
        stack = EmbeddedStack(data_dir, supervisor, what="prsnl up", is_durable=False)
        try:
            urls = stack.start()
        except StartError as error:
            print(json.dumps({"error": error.message}), flush=True)
            return 1
        pids = {state.name: state.pid for state in supervisor.states()}
        told = {"database": urls.database_url, "broker": urls.broker_url, "pids": pids}
        with suppress(KeyboardInterrupt):  # it may come before the wait
            print(json.dumps(told), flush=True)
            supervisor.wait()
        stack.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
