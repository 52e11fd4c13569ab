"""Review: somebody else looked at what was done with broken glass."""

from __future__ import annotations

from collections.abc import Mapping

from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import InputError
from store.records.environment import Environment, Review
from store.snapshot import Snapshot
from store.text import one_line
from store.workspace import Workspace


def plan(workspace: Workspace, record: str) -> Plan:
    """What taking `record` (its id) off the list of what is to be reviewed would do; the note says what was
    found. Raises InputError where it is not on it."""
    return _plan(workspace, workspace.store.at(), record.strip().upper())


def _plan(workspace: Workspace, snapshot: Snapshot, record: str) -> Plan:
    pointer, review = _found(snapshot, record)
    person = workspace.person
    own = person.email.casefold() == review.by.email.casefold()

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        moved = pointer.model_copy(
            update={
                "reviews": tuple(one for one in pointer.reviews if one.record != record),
                "generation": pointer.generation + 1,
                "record": stamp.id,
            }
        )
        return {f"environments/{pointer.name}.toml": write_toml(moved)}

    said = f"{review.by.name} broke the glass in {pointer.name}"
    return Plan(
        verb="review",
        tip=snapshot.commit,
        title=f"Review {record}",
        summary=f"Reviewed what {said} for: {one_line(review.reason, 200)}",
        environment=pointer.name,
        checks=(
            Check(
                "reviewer",
                "unmet" if own else "ok",
                f"{said} on {review.at:%Y-%m-%d %H:%M} UTC"
                + (": somebody else has to review it." if own else ""),
            ),
        ),
        note_required=True,
        about=record,
        write=write,
        remake=lambda fresh: _plan(workspace, fresh, record),
        command=f"lockgate review {record}",
    )


def _found(snapshot: Snapshot, record: str) -> tuple[Environment, Review]:
    waiting = [(pointer, one) for pointer in snapshot.environments() for one in pointer.reviews]
    for pointer, one in waiting:
        if one.record == record:
            return pointer, one
    ids = ", ".join(one.record for _, one in waiting[:5])
    raise InputError(
        f"{one_line(record, 40)} is not to be reviewed; "
        + (f"waiting are {ids}." if ids else "nothing is: nobody broke the glass.")
    )
