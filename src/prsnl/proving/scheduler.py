"""A real scheduler for the harness: `python -m prsnl.proving.scheduler`."""

from __future__ import annotations

from prsnl import scheduler, wiring

if __name__ == "__main__":
    scheduler.main(wiring.read())
