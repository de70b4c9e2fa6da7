"""Rules about rest: who may work a night, given the nights before it."""

from datetime import date, timedelta

# The cooperative's rule, stricter than the law: after a night shift two nights
# are free. One is not enough, because the shift ends at noon.
REST_NIGHTS = 2

# Nobody works more than this many nights in any seven.
MOST_IN_SEVEN = 2


def is_rested(nights: list[date], night: date) -> bool:
    """Whether someone who worked `nights` has had enough rest before `night`."""
    return all(abs((night - worked).days) > REST_NIGHTS for worked in nights)


def is_under_limit(nights: list[date], night: date) -> bool:
    """Whether one more night keeps the seven days that end on `night` within the limit."""
    first = night - timedelta(days=6)
    return sum(first <= worked < night for worked in nights) < MOST_IN_SEVEN
