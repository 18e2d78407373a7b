"""The waits between restarts, without a clock."""

from prsnl.embedded.supervisor import Backoff


def test_waits_double_up_to_the_longest() -> None:
    backoff = Backoff(first_s=0.5, longest_s=30)

    waits_s = [backoff.after_run_of(0.1) for _ in range(9)]

    assert waits_s == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_healthy_run_brings_back_the_first_wait() -> None:
    backoff = Backoff(first_s=0.5, healthy_s=60)
    for _ in range(4):
        backoff.after_run_of(0.1)

    assert backoff.after_run_of(59.9) == 8
    assert backoff.after_run_of(60) == 0.5
    assert backoff.after_run_of(0.1) == 1
