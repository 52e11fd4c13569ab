"""What somebody answered for against an unmet condition, and how long until somebody else looked."""

from __future__ import annotations

from console.operations.audit.questions.answer import Answer, Asked, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted
from store.records.operation import Operation

HEAD = (
    "at", "record", "environment", "kind", "release", "by", "glass_broken", "conditions", "reason",
    "reviewed_by", "reviewed_after_days",
)  # fmt: skip
_MAY_OVERRIDE = ("stage", "promote", "switch", "advance")


def emergencies(past: Past, asked: Asked) -> Answer:
    """Every override, broken glass and all; wrong where broken glass was not reviewed."""
    reviews: dict[str, Operation] = {}
    for one in past.happened(Asked(environment=asked.environment, since=asked.since), "review"):
        if one.record is not None and one.record.about:
            reviews[one.record.about] = one.record
    rows, waiting = [], 0
    for one in past.happened(asked, *_MAY_OVERRIDE):
        record = one.record
        if record is None or not record.overrides:
            continue
        review = reviews.get(record.id)
        waiting += record.emergency and review is None
        rows.append(
            (
                clock(record.at), record.id, record.environment, record.kind, record.release, record.by.name,
                "yes" if record.emergency else "no",
                " ".join(sorted({one.condition for one in record.overrides})),
                record.overrides[0].reason,
                review.by.name if review else None,
                round((review.at - record.at).total_seconds() / 86400, 2) if review else None,
            )
        )  # fmt: skip
    said = f"{counted(len(rows), 'override')}, {waiting} with broken glass that nobody reviewed."
    return Answer(HEAD, tuple(rows), said, wrong=waiting > 0)
