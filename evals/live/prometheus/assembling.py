"""From a window's ledgers to its evidence. What a series does not say is noted, never filled in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from evals.live.evidence import CLOCK_SECONDS, Arm, Evidence, Minute, Window
from evals.live.prometheus import names, notes
from evals.live.prometheus.groups import Group
from evals.live.prometheus.latency import latency_notes, timed_minutes
from evals.live.prometheus.ledger import Cell, Ledger
from evals.live.prometheus.scores import flags, scores
from store.errors import MachineryError


def assemble(window: Window, pieces: Sequence[Ledger], now: float) -> Evidence:
    """The evidence of `pieces`, which follow one another, at `now` (seconds since 1970).

    Counts and scores after `now` are left out; flags are not, because a clock that was set back must not
    hide them. Raises MachineryError where counts contradict each other.
    """
    known = _known(pieces)
    minutes, stable, minute_notes = _minutes(window, pieces, known, int(now // 60))
    scored, score_notes = scores(pieces, now)
    flagged, flag_notes = flags(pieces)
    newest = [piece.newest for piece in pieces if piece.newest is not None]
    return Evidence(
        minutes=minutes,
        scores=scored,
        flags=flagged,
        newest=max((at for at in newest if at <= now + CLOCK_SECONDS), default=None),
        ahead=max((at for at in newest if at > now + CLOCK_SECONDS), default=None),
        stable=stable,
        notes=notes.bounded(
            (
                *notes.of_window(window, known),
                *latency_notes(window, pieces, known),
                *minute_notes,
                *score_notes,
                *flag_notes,
                *notes.of_strays(set().union(*(piece.strays for piece in pieces))),
                *notes.of_gaps([gap for piece in pieces for gap in piece.gaps]),
            )
        ),
    )


def _known(pieces: Sequence[Ledger]) -> dict[str, set[Group]]:
    return {
        metric: set().union(*(piece.known.get(metric, set()) for piece in pieces)) for metric in names.METRICS
    }


@dataclass(slots=True)
class _Sum:
    """The counts of one minute, arm and stage, with over_sla and slow still to be worked out."""

    cell: Cell
    over_sla: int = 0
    slow: int = 0


_Sums = dict[tuple[Arm, int], dict[int, _Sum]]
"""By arm and stage, then by minute."""


def _minutes(
    window: Window, pieces: Sequence[Ledger], known: dict[str, set[Group]], upto: int
) -> tuple[tuple[Minute, ...], tuple[Minute, ...], list[str]]:
    """Those of the arms, those of all that stable served, and notes on what does not add up."""
    arms: _Sums = defaultdict(dict)
    stable: _Sums = defaultdict(dict)
    # Requests without a counter of errors beside them are not requests without errors.
    complete = known[names.REQUESTS] & known[names.ERRORS]
    for piece in pieces:
        for group, cells in piece.cells.items():
            if group in complete:
                places = [stable["control", group.stage]] if group.is_stable else []
                if group.arm is not None:
                    places.append(arms[group.arm, group.stage])
                _spread(window, group, cells, timed_minutes(window, pieces, group), places)
    told: list[str] = []
    rows = _rows(arms, upto, told)
    return rows, _rows(stable, upto, []), told


def _spread(
    window: Window,
    group: Group,
    cells: dict[int, Cell],
    timed: tuple[float, float],
    places: list[dict[int, _Sum]],
) -> None:
    for minute, cell in cells.items():
        is_timed = timed[0] <= minute <= timed[1]
        for place in places:
            total = place.get(minute)
            if total is None:
                total = place[minute] = _Sum(Cell())
            _take(total, cell, window, group, is_timed)


def _rows(sums: _Sums, upto: int, told: list[str]) -> tuple[Minute, ...]:
    rows: list[Minute] = []
    for (arm, stage), by_minute in sums.items():
        if waiting := _settle_errors([by_minute[minute].cell for minute in sorted(by_minute)]):
            told.append(notes.errors_without_requests(arm, waiting))
        rows.extend(_row(minute, arm, stage, total) for minute, total in by_minute.items() if minute <= upto)
    rows.sort(key=lambda row: (row.minute, row.arm, row.stage))
    return tuple(rows)


def _take(total: _Sum, cell: Cell, window: Window, group: Group, is_timed: bool) -> None:
    into = total.cell
    into.requests += cell.requests
    into.errors += cell.errors
    into.thumbs_up += cell.thumbs_up
    into.thumbs_down += cell.thumbs_down
    if not is_timed:
        return
    into.timed += cell.timed
    total.over_sla += _over(window.sla_ms, cell.timed, cell.within_sla)
    total.slow += _over(window.stages[group.stage].slow_ms, cell.timed, cell.within_slow)


def _over(bound: float | None, timed: int, within: int) -> int:
    """Requests slower than `bound`; none where there is no bound."""
    if bound is not None and within > timed:
        raise MachineryError(
            f"{names.LATENCY} counts more requests within {bound:,g} ms than in all: "
            "export all bounds of a histogram together."
        )
    return 0 if bound is None else timed - within


def _settle_errors(cells: list[Cell]) -> int:
    """Lets errors that were scraped before their requests wait for the next minute that has room for
    them, so that no minute has more errors than requests; returns how many still wait."""
    waiting = 0
    for cell in cells:
        waiting += cell.errors
        cell.errors = min(waiting, cell.requests)
        waiting -= cell.errors
    return waiting


def _row(minute: int, arm: Arm, stage: int, total: _Sum) -> Minute:
    cell = total.cell
    return Minute(
        minute=minute,
        arm=arm,
        stage=stage,
        requests=cell.requests,
        errors=cell.errors,
        over_sla=total.over_sla,
        slow=total.slow,
        timed=cell.timed,
        thumbs_down=cell.thumbs_down,
        thumbs_up=cell.thumbs_up,
    )
