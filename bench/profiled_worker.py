"""A proving worker under cProfile: `throughput.py --worker-module profiled_worker`.

The profile goes to the file that PRSNL_BENCH_PROFILE names, the process id appended;
`python -m pstats FILE` shows it. Only the thread that does the tasks is profiled, and
only while it has a core: waits do not count.
"""

from __future__ import annotations

import cProfile
import os
import sys
import time

from prsnl import worker
from prsnl.proving.worker import proving_wiring
from prsnl.work.queues import Queue

if __name__ == "__main__":
    profile = cProfile.Profile(time.thread_time)
    profile.enable()
    try:
        worker.main(proving_wiring(), [Queue(name) for name in sys.argv[1:]])
    finally:
        profile.disable()
        profile.dump_stats(f"{os.environ['PRSNL_BENCH_PROFILE']}.{os.getpid()}")
