"""Under whose keys stands what people write of alarms: it may name somebody, and goes with the key."""

from __future__ import annotations


def case_of_alarm(alarm_id: int) -> str:
    """Return the case of one alarm: why it was put aside."""
    return f"case:alarm-{alarm_id}"


def case_of_withdrawal(withdrawal_id: int) -> str:
    """Return the case of a time out of service: why, and what was done."""
    return f"case:withdrawal-{withdrawal_id}"
