"""The one way in which every change is made: lock, re-read the tip, re-check, commit, reconcile."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations.plan import Overtaken, Plan, Stamp
from console.operations.reconcile import reconcile
from console.operations.rights import with_rights
from console.version import version
from store.bounded import write_toml
from store.errors import Blocked, InputError, StaleTip
from store.git.maintenance import pack_when_due
from store.progress import Report, silent
from store.records.operation import TAKING_BACK, Operation
from store.snapshot import record_path
from store.stamping import next_record
from store.workspace import Workspace

if TYPE_CHECKING:
    from console.operations.sync.order import Forward

_NOTE_LIMIT = 20_000
_TRIES = 20


class StalePlan(StaleTip):
    """`main` moved and the plan would now do something else. `plan` is the new one, to be looked at."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(f"{plan.title}: the store changed meanwhile; look at the new plan and decide again.")
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done. The commit is on disk."""

    record: Operation
    commit: str
    problems: tuple[str, ...] = ()
    """What this machine could not follow up (a live document not written, a change not pushed)."""
    unsigned: str | None = None
    """Why its commit is not signed although this machine signs; among `problems` too."""


def apply(
    workspace: Workspace, plan: Plan, why: str = "", *, report: Report = silent, decided: bool = False
) -> Applied:
    """Does what `plan` says and returns its record.

    Where the store moved meanwhile, the plan is made again on the new tip and must have the same
    effect; `decided` (a command, whose person named the outcome) accepts the same outcome from
    another start.

    Where the workspace has a remote, what moves forward is there before it happens here; all else is
    pushed afterwards, and what keeps it from being pushed is a problem that is told.

    Raises Blocked or Inconclusive with every unmet condition, StalePlan when the store moved under
    it, MachineryError when a disk, an index, a key or a remote that is wanted fails. Until the commit
    nothing has changed.
    """
    why = _checked_note(plan, why)
    plan = with_rights(workspace, plan)
    plan.demand()
    if plan.prepare is not None:
        plan.prepare(report)
    ahead = _forward(workspace, plan, report)
    for attempt in range(_TRIES):
        try:
            if ahead is not None:
                ahead.catch_up(attempt)
            publish = ahead.publish if ahead is not None else None
            record, commit, warning, unsigned = _commit(workspace, plan, why, decided, publish)
            break
        except (StalePlan, Overtaken):
            raise
        except StaleTip:  # somebody who does not take our lock, or who pushes, was faster
            if attempt == _TRIES - 1:
                raise
    done = reconcile(workspace, report=report)
    commit, unpushed = _pushed(workspace, plan, commit)
    pack_when_due(workspace.store.path)
    said = tuple(one for one in (warning, unsigned) if one)
    return Applied(record, commit, (*said, *done.problems, *unpushed), unsigned)


def _forward(workspace: Workspace, plan: Plan, report: Report) -> Forward | None:
    """How `plan` goes by way of the remote; None where it does not. Without a remote nothing is imported."""
    if not _has_remote(workspace, plan):
        return None
    from console.operations.sync.order import forward

    return forward(workspace, plan, report)


def _pushed(workspace: Workspace, plan: Plan, commit: str) -> tuple[str, tuple[str, ...]]:
    """The commit that `main` has once it was pushed as far as the remote answers, and what went wrong."""
    if not _has_remote(workspace, plan):
        return commit, ()
    from console.operations.sync.order import pushed_after

    return pushed_after(workspace, plan, commit)


def _has_remote(workspace: Workspace, plan: Plan) -> bool:
    """Raises InputError where settings.toml cannot be read, unless `plan` only takes something back."""
    try:
        return workspace.settings.remote is not None
    except InputError:
        from console.operations.sync.order import FORWARD

        if plan.verb in FORWARD:
            raise
        return False


def apply_again(workspace: Workspace, plan: Plan, why: str = "", *, report: Report = silent) -> Applied:
    """`apply`, re-planned as often as the store moves: for commands, where the person has decided already."""
    for _ in range(_TRIES):
        try:
            return apply(workspace, plan, why, report=report, decided=True)
        except StalePlan as stale:
            if plan.relative or not _covers(plan, stale.plan):
                raise  # going further back, or past one more condition, is a decision of its own
            plan = stale.plan
    raise StaleTip(
        f"{plan.title}: the store changed {_TRIES} times meanwhile; nothing was changed. Try again."
    )


def _covers(plan: Plan, fresh: Plan) -> bool:
    """Whether the person who decided on `plan` has answered for all that `fresh` overrides."""
    return {one.condition for one in fresh.overrides} <= {one.condition for one in plan.overrides}


def _commit(
    workspace: Workspace, plan: Plan, why: str, decided: bool, publish: Callable[[str], None] | None
) -> tuple[Operation, str, str | None, str | None]:
    """The record, its commit, what is wrong with a clock, and why the commit is not signed."""
    store = workspace.store
    with store.writing() as writer:
        tip = store.tip()
        if tip != plan.tip and plan.remake is not None:
            fresh = with_rights(workspace, plan.remake(store.at(tip)))
            same = fresh.outcome() == plan.outcome() if decided else fresh.effect() == plan.effect()
            if not same or fresh.unmet:
                raise StalePlan(fresh)
            plan = fresh
        made = next_record(store.at(tip), workspace.clock.now())
        stamp = Stamp(made.id, made.at, plan.by or workspace.person, why)
        record = _record(plan, stamp)
        files = {**plan.write(stamp), record_path(stamp.id): write_toml(record)}
        commit = writer.commit(
            tip,
            files,
            _message(record, plan),
            stamp.by,
            made.at,
            publish=publish,
            takes_back=plan.verb in TAKING_BACK,
        )
        return record, commit, made.warning, writer.unsigned


def _record(plan: Plan, stamp: Stamp) -> Operation:
    return Operation(
        id=stamp.id,
        kind=plan.verb,
        at=stamp.at,
        by=stamp.by,
        environment=plan.environment,
        why=stamp.why,
        summary=plan.summary,
        release=plan.release,
        before=plan.before,
        after=plan.after,
        changes=plan.changes,
        evidence=plan.evidence,
        gate=plan.gate,
        overrides=plan.overrides,
        emergency=plan.emergency,
        approvals=plan.approvals(stamp),
        checks=tuple(f"{check.verdict}: {check.name}: {check.text}" for check in plan.checks),
        rollout=plan.mark(stamp),
        ended=plan.ended,
        about=plan.about,
        tool=version(),
        host=socket.gethostname(),
    )


def _message(record: Operation, plan: Plan) -> str:
    """Subject, the note, and one trailer a line; the record is what counts, trailers help to find it."""
    trailers = {
        "Lockgate-Op": record.id,
        "Lockgate-Kind": record.kind,
        "Lockgate-Environment": record.environment,
        "Lockgate-Release": record.release,
        "Lockgate-Gate": record.gate if record.environment else None,
    }
    lines = [f"{key}: {value}" for key, value in trailers.items() if value]
    body = [plan.title, record.summary if record.summary != plan.title else "", record.why, "\n".join(lines)]
    return "\n\n".join(part for part in body if part) + "\n"


def _checked_note(plan: Plan, why: str) -> str:
    why = why.strip()
    if len(why) > _NOTE_LIMIT:
        raise InputError(f"the note has {len(why):,} characters; at most {_NOTE_LIMIT:,} are kept.")
    if plan.note_required and not why:
        missing = f"{plan.environment or 'this'} wants a note: say why with -m."
        reasons = (*(check.text for check in plan.unmet), missing)
        message = f"{plan.title}: {' '.join(reasons)} Nothing was changed."
        raise Blocked(message, reasons) if plan.unmet else InputError(message)
    return why
