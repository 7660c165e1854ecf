from __future__ import annotations

from peer.recovery import CONNECT_TIMEOUT, Recovery


def test_an_attempt_that_does_not_end_is_given_up() -> None:
    recovery = Recovery(lambda: 0.5)
    recovery.began(10.0)
    assert recovery.wake_at == 10.0 + CONNECT_TIMEOUT


def test_rebuilds_come_ever_later_until_one_works() -> None:
    recovery = Recovery(lambda: 1.0)
    recovery.began(0.0)
    recovery.failed(1.0)
    assert recovery.wake_at == 1.5
    recovery.began(1.5)
    recovery.failed(2.0)
    assert recovery.wake_at == 3.0
    recovery.connected()
    assert recovery.wake_at is None
    recovery.failed(9.0)
    assert recovery.wake_at == 9.5


def test_a_failure_never_postpones_the_end_of_the_attempt() -> None:
    recovery = Recovery(lambda: 1.0)
    for _ in range(10):
        recovery.failed(0.0)
    recovery.connected()
    recovery.began(0.0)
    for _ in range(10):
        recovery.failed(CONNECT_TIMEOUT - 0.1)
    assert recovery.wake_at == CONNECT_TIMEOUT


def test_nothing_is_rebuilt_after_the_end() -> None:
    recovery = Recovery(lambda: 0.5)
    recovery.began(0.0)
    recovery.stop()
    assert recovery.wake_at is None
