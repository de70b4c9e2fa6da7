"""Deals out night shifts: the one who has worked least, and is free and rested, is next."""

import sys
from dataclasses import dataclass, field
from datetime import date, timedelta

from rest import is_rested, is_under_limit

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]

# A Saturday night is worth two others: it is the longest shift, since the market
# needs twice the bread.
SATURDAY_WEIGHT = 2


@dataclass
class Baker:
    """Someone who takes night shifts."""

    name: str
    busy: set[int] = field(default_factory=set)
    nights: list[date] = field(default_factory=list)

    def load(self) -> int:
        """The nights worked so far, with Saturdays counted by their weight."""
        return sum(SATURDAY_WEIGHT if night.weekday() == 5 else 1 for night in self.nights)

    def can_work(self, night: date) -> bool:
        """Whether the baker is free on that weekday and has rested."""
        return (
            night.weekday() not in self.busy
            and is_rested(self.nights, night)
            and is_under_limit(self.nights, night)
        )


class NobodyLeft(Exception):
    """No baker can work a night; the message names the night and everyone's reason."""


def parse_people(text: str) -> list[Baker]:
    """Reads lines such as `Wil: Mon Tue`. Blank lines and lines that begin with # are left out."""
    bakers = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, days = line.partition(":")
        bakers.append(Baker(name.strip(), {WEEKDAYS.index(day) for day in days.split()}))
    return bakers


def next_baker(bakers: list[Baker], night: date) -> Baker:
    """Chooses who works `night`.

    Ties go to the one whose last shift is longest ago, and then to the name that comes
    first in the alphabet, so that the same input always gives the same rota.
    """
    able = [baker for baker in bakers if baker.can_work(night)]
    if not able:
        raise NobodyLeft(f"nobody can work on {night:%a %d %b}: all are busy or not rested")
    return min(able, key=lambda b: (b.load(), b.nights[-1] if b.nights else date.min, b.name))


def deal(bakers: list[Baker], first: date, weeks: int) -> list[tuple[date, str]]:
    """The rota for `weeks` weeks from `first` on, as pairs of night and name."""
    rota = []
    for offset in range(7 * weeks):
        night = first + timedelta(days=offset)
        baker = next_baker(bakers, night)
        baker.nights.append(night)
        rota.append((night, baker.name))
    return rota


def main() -> int:
    """Prints the rota for the people in a file."""
    if len(sys.argv) != 4:
        print("usage: rota.py PEOPLE.txt YYYY-MM-DD WEEKS", file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        bakers = parse_people(file.read())
    try:
        for night, name in deal(bakers, date.fromisoformat(sys.argv[2]), int(sys.argv[3])):
            print(f"{night:%a %d %b}  {name}")
    except NobodyLeft as reason:
        print(f"rota: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
