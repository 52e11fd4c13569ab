"""Scored answers and harmful flags, out of counts.

A histogram whose bounds are the very levels that a grader gives holds every score: how many there
were at each level. Where scores lie between the bounds it does not, and the sum beside it tells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.live.evidence import Arm, HarmfulFlag, Score
from evals.live.prometheus import names, notes
from evals.live.prometheus.groups import ALL, Group, levels
from evals.live.prometheus.ledger import Ledger
from store.canonical import canonical_json, sha256_hex
from store.errors import MachineryError

_CLOSE = 1e-6
"""How far a sum of scores may be off, for each score: what adding floats costs."""
_MOST_FLAGS = 1000


def scores(pieces: Sequence[Ledger], now: float) -> tuple[tuple[Score, ...], list[str]]:
    """The scored answers up to `now` in order of time, and notes on those that are not known."""
    found: list[Score] = []
    told: list[str] = []
    groups = dict.fromkeys(group for piece in pieces for group in piece.levels)
    for group in groups:
        arm: Arm = group.arm or "control"
        of_group = [score for piece in pieces for score in _scores(group, arm, piece.levels.get(group, {}))]
        counted = sum(rows.get(ALL, 0) for piece in pieces for rows in piece.levels.get(group, {}).values())
        if sum(score.count for score in of_group) != counted:
            told.append(notes.beyond_levels(arm))
            continue
        total = sum(piece.quality_sum.get(group, 0.0) for piece in pieces)
        if not any(group in piece.known[names.QUALITY_SUM] for piece in pieces):
            told.append(notes.no_sum(arm))
        elif abs(total - sum(score.value * score.count for score in of_group)) > _CLOSE * counted:
            told.append(notes.between_levels(arm))
        else:
            found.extend(score for score in of_group if score.at <= now)
    found.sort(key=lambda one: (one.at, one.arm, one.stage, one.category, one.value))
    return tuple(found), told


def _scores(group: Group, arm: Arm, by_time: dict[float, dict[str, int]]) -> Iterator[Score]:
    for at, row in by_time.items():
        below = 0
        for level in levels(tuple(row)):
            count = row[level] - below
            if count < 0:
                raise MachineryError(
                    f"{names.QUALITY} counts fewer answers up to {level} than up to a lower level: "
                    "export all bounds of a histogram together."
                )
            if count:
                yield Score(at, arm, group.stage, float(level), group.category, count)
            below = row[level]


def flags(pieces: Sequence[Ledger]) -> tuple[tuple[HarmfulFlag, ...], list[str]]:
    """The canary's flags in order of time. Which of a process's flags was confirmed is not known,
    only how many were; the oldest are taken to be."""
    found: list[HarmfulFlag] = []
    told: list[str] = []
    groups = dict.fromkeys(
        group
        for piece in pieces
        for group in (*piece.harmful, *piece.confirmed, *piece.cleared)
        if group.arm == "canary"
    )
    for group in groups:
        flagged = [entry for piece in pieces for entry in piece.harmful.get(group, ())]
        confirmed = [entry for piece in pieces for entry in piece.confirmed.get(group, ())]
        cleared = [entry for piece in pieces for entry in piece.cleared.get(group, ())]
        yes, no, count = _total(confirmed), _total(cleared), _total(flagged)
        if yes + no > count:  # a second opinion is about an answer that something flagged
            told.append(notes.unflagged(yes + no, count))
            flagged.append((max(at for at, _ in (*confirmed, *cleared)), yes + no - count))
        name = _name(group)
        for number, at in enumerate(_each(flagged, _MOST_FLAGS), 1):
            said = True if number <= yes else (False if number <= yes + no else None)
            found.append(HarmfulFlag(f"prometheus:{name}:{number}", at, said))
        if count > _MOST_FLAGS:
            told.append(notes.many_flags(count, _MOST_FLAGS))
    return tuple(sorted(found, key=lambda one: (one.at, one.request_id))), told


def _total(entries: Sequence[tuple[float, int]]) -> int:
    return sum(number for _, number in entries)


def _each(times: list[tuple[float, int]], most: int) -> Iterator[float]:
    left = most
    for at, number in times:
        yield from [at] * min(number, left)
        left -= min(number, left)


def _name(group: Group) -> str:
    """Twelve hex digits that stay the same for the same process, generation and category."""
    whole = [list(map(list, group.target)), group.arm, group.generation, group.category]
    return sha256_hex(canonical_json(whole))[:12]
