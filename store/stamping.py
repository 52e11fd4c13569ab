"""When a new record is made, and under which id: in order, even where a clock was wrong.

History is ordered by ancestry, never by a time. What is ordered by its id (verdicts, notes) or by
its time within a pointer wants both to rise, so a record is made after the newest commit. Unless that one
is far ahead of this machine's clock: then one of the two clocks is wrong, following it would date
everything after it wrongly too, and this machine's own time counts.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ulid import ULID

from store.clock import to_milliseconds
from store.errors import InputError
from store.records.verdict import Verdict
from store.snapshot import Snapshot, is_ulid

TOLERATED = timedelta(minutes=5)
"""How far ahead of this machine's clock the newest commit may be and still be followed."""
_STEP_BITS = 64
_HIGHEST = int.from_bytes(ULID.from_str("7" + "Z" * 25).bytes, "big")


@dataclass(frozen=True, slots=True)
class Stamped:
    """The time and the id of the next record."""

    id: str
    """A ULID that sorts behind those of the records before it."""
    at: datetime
    """In UTC, to the millisecond."""
    warning: str | None = None
    """One sentence where the newest commit's clock, or this machine's, is wrong."""


def next_record(snapshot: Snapshot, now: datetime) -> Stamped:
    """What a record on top of `snapshot` gets at `now` (this machine's clock)."""
    now = to_milliseconds(now)
    warning = clock_trouble(snapshot, now)
    at = now if warning else max(now, snapshot.at + timedelta(milliseconds=1))
    return Stamped(next_id(at, _newest_record(snapshot, at)), at, warning)


def clock_trouble(snapshot: Snapshot, now: datetime) -> str | None:
    """One sentence where the newest commit is further ahead of `now` than is tolerated; else None."""
    ahead = snapshot.at - now
    if ahead <= TOLERATED:
        return None
    return (
        f"the newest commit ({snapshot.commit[:10]}) says {snapshot.at:%Y-%m-%d %H:%M} UTC, but this "
        f"machine's clock says {now:%Y-%m-%d %H:%M}: one of them is wrong. New records take this "
        "machine's time; set the clock if it is the wrong one."
    )


def next_id(at: datetime, after: str | None = None) -> str:
    """A ULID of `at`; where `after` (another one) does not sort before that, one a random step behind it:
    two clones that both go on from there must not meet on the same."""
    made = str(ULID.from_datetime(at))
    if after is None or after < made:
        return made
    number = int.from_bytes(ULID.from_str(after).bytes, "big") + 1 + random.getrandbits(_STEP_BITS)
    if number > _HIGHEST:
        raise InputError(f"there is no id behind {after}; it was made by hand. Remove it with git.")
    return str(ULID(number.to_bytes(16, "big")))


def in_order(snapshot: Snapshot, release: str, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
    """`verdicts` on `release`, oldest first, with ids that sort behind all that it has: the newest
    verdict is the one that was committed last, whatever the clock said when it was made."""
    known = snapshot.verdict_ids(release)
    after = known[0] if known else None
    placed: list[Verdict] = []
    for one in verdicts:
        id = one.id if after is None or after < one.id else next_id(one.at, after)
        placed.append(one if id == one.id else one.model_copy(update={"id": id}))
        after = id
    return tuple(placed)


def _newest_record(snapshot: Snapshot, at: datetime) -> str | None:
    """The highest id of a record that is not further ahead of `at` than is tolerated."""
    latest = at + TOLERATED
    bound = str(ULID(int(latest.timestamp() * 1000).to_bytes(6, "big") + b"\xff" * 10))
    ids = (id for month in _months(latest) for id in _records(snapshot, month) if id <= bound)
    return next(ids, None)


def _months(latest: datetime) -> tuple[str, ...]:
    """The folders of `latest`'s month and the one before."""
    before = latest.replace(day=1) - timedelta(days=1)
    return (f"records/{latest:%Y}/{latest:%m}", f"records/{before:%Y}/{before:%m}")


def _records(snapshot: Snapshot, month: str) -> Iterator[str]:
    names = (name.removesuffix(".toml") for name in reversed(snapshot.names(month)))
    yield from (name for name in names if is_ulid(name))
