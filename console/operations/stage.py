"""Stage: compose a release, run its gate, put it into the first environment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations import conditions
from console.operations.compose import composed, same_release
from console.operations.describe import changes_between, sentence
from console.operations.evidence import stale_verdicts
from console.operations.forward import forward, place
from console.operations.plan import Check, Plan, Risk, Stamp
from console.operations.rollout.begin import by_steps, effect, entered, rollout_check
from console.operations.run_options import USUAL, RunOptions
from store.bounded import write_toml
from store.errors import InputError
from store.progress import Report, Stop, never, silent
from store.records.operation import Change
from store.records.policy import Tier
from store.records.release import Release
from store.records.verdict import Verdict
from store.rules import gate as gate_rule
from store.rules.rollout_pointer import mark
from store.snapshot import Snapshot
from store.stamping import in_order
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.running.watching import OnCategory


@dataclass(frozen=True, slots=True)
class Composition:
    """A release that does not exist yet."""

    release: Release
    """A draft; its number is given when it lands."""
    base: Release | None
    changes: tuple[Change, ...]
    """Against the base."""
    sets: tuple[str, ...]
    """What was asked for, as `kind/name@vN`."""
    tip: str
    existing: str | None = None
    """The id of a release that binds exactly the same versions already, or None."""
    asked: str | None = None
    """The base as it was asked for; None is whatever the first environment serves."""


def compose(workspace: Workspace, sets: Sequence[str], base: str | None = None) -> Composition:
    """Composes a release from `base` (a release or an environment; by default what the first
    environment serves) with `sets` (`kind/name=vN`, or `kind/name` for the newest) put in.

    Raises InputError when a version does not exist or nothing differs.
    """
    return _compose(workspace, workspace.store.at(), tuple(sets), base)


def _compose(
    workspace: Workspace, snapshot: Snapshot, sets: tuple[str, ...], base: str | None
) -> Composition:
    start = _base(snapshot, base)
    pins = [snapshot.pin(text) for text in sets]
    names = [str(pin.component) for pin in pins]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise InputError(f"{twice} is set twice; say which version is meant.")
    if not pins and start is None:
        raise InputError("nothing to stage: name versions with --set kind/name=vN.")
    draft = composed(workspace, snapshot, start, pins)
    known = same_release(snapshot, draft)
    return Composition(
        release=known or draft,
        base=start,
        changes=changes_between(snapshot, start, draft),
        sets=tuple(str(pin) for pin in pins),
        tip=snapshot.commit,
        existing=known.id if known else None,
        asked=base,
    )


def _base(snapshot: Snapshot, base: str | None) -> Release | None:
    if base is None:
        first = snapshot.environment(snapshot.policy.names[0])
        return snapshot.release(first.stable) if first.stable else None
    if base in snapshot.policy.names:
        pointer = snapshot.environment(base)
        return snapshot.release(conditions.require_stable(pointer))
    return snapshot.release(base)


async def gate(
    workspace: Workspace,
    composition: Composition,
    *,
    tier: Tier | None = None,
    options: RunOptions = USUAL,
    report: Report = silent,
    stop: Stop = never,
    on_category: OnCategory | None = None,
) -> tuple[Verdict, ...]:
    """Runs the evals that the environments' gates want; one verdict for each baseline and tier.

    The first is the first environment's. Where environments serve the same release and want the
    same tier, one verdict serves all. Raises MachineryError when a model or an index fails, BudgetReached
    when the budget, which is for all of them together, does not suffice.
    """
    from console.operations.evaluate import judged

    snapshot = workspace.store.at()
    verdicts: list[Verdict] = []
    purse = options.purse(workspace)
    for policy in snapshot.policy.environments:
        if not policy.gate.required:
            continue
        pointer = snapshot.environment(policy.name)
        stable = snapshot.release(pointer.stable) if pointer.stable else None
        if stable is not None and stable.digest == composition.release.digest:
            continue
        if any(gate_rule.mismatch(one, policy, composition.release, stable) is None for one in verdicts):
            continue
        verdicts.append(
            await judged(
                workspace,
                snapshot,
                composition.release,
                stable,
                tier or policy.gate.tier,
                options=options,
                purse=purse,
                report=report,
                stop=stop,
                on_category=on_category,
            )
        )
        if verdicts[0].outcome == "block":
            break  # the first environment refuses it; nothing after that matters
    return tuple(verdicts)


def plan(
    workspace: Workspace,
    composition: Composition,
    verdicts: Sequence[Verdict],
    *,
    override: str | None = None,
    keep_blocked: bool = False,
) -> Plan:
    """What landing `composition` with `verdicts` and putting it into the first environment would do.

    `keep_blocked` records a blocked release and its evidence without putting it anywhere.
    """
    return _plan(workspace, workspace.store.at(), composition, tuple(verdicts), override, keep_blocked)


def _plan(
    workspace: Workspace,
    snapshot: Snapshot,
    composition: Composition,
    verdicts: tuple[Verdict, ...],
    override: str | None,
    keep_blocked: bool,
) -> Plan:
    release = _numbered(snapshot, composition.release, composition.existing)
    to = place(snapshot, snapshot.policy.names[0])
    named = tuple(one.model_copy(update={"release": release.id}) for one in verdicts)
    fresh = in_order(snapshot, release.id, named)
    earlier = snapshot.verdicts(release.id) if composition.existing else ()
    stale = stale_verdicts(snapshot, release, earlier)
    ruling = gate_rule.rule(to.policy, release, to.stable, (*fresh, *earlier), stale)
    extra = (conditions.hold_check(to.pointer), rollout_check(to, release, supersede=False))
    move = forward(workspace, snapshot, to, release, ruling, override=override, extra=extra)
    kept = keep_blocked and ruling.outcome == "block" and not move.overrides

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        files = {f"verdicts/{release.id}/{one.id}.toml": write_toml(one) for one in fresh}
        if composition.existing is None:
            landed = release.model_copy(
                update={
                    "created_at": stamp.at,
                    "created_by": stamp.by,
                    "evidence": tuple(one.id for one in fresh),
                }
            )
            files[f"releases/{release.id}.toml"] = write_toml(landed)
        if not kept:
            pointer = move.flagged(entered(to, release, stamp), stamp)
            files[f"environments/{to.name}.toml"] = write_toml(pointer)
        return files

    shared = Plan(
        verb="stage",
        title=f"Stage {release.id} into {to.name}",
        summary=sentence("Staged", move.changes, to.name),
        effects=(effect(to, release),),
        write=write,
        mark=lambda stamp: mark(entered(to, release, stamp)) if by_steps(to) and not kept else None,
        evidence=tuple(one.id for one in fresh) or ((ruling.verdict.id,) if ruling.verdict else ()),
        remake=lambda now: _plan(
            # composed again: what somebody else staged meanwhile must not be taken out by this
            workspace,
            now,
            _compose(workspace, now, composition.sets, composition.asked),
            verdicts,
            override,
            keep_blocked,
        ),
        command=_command(composition, override),
        **move.fields() | ({"after": to.pointer.stable} if by_steps(to) else {}),
    )
    return _as_kept(shared, move.checks, sentence("Blocked", move.changes)) if kept else shared


def _as_kept(plan: Plan, checks: tuple[Check, ...], summary: str) -> Plan:
    """The plan that records a blocked release as evidence and moves nothing."""
    told = tuple(
        dataclasses.replace(check, verdict="warn") if check.verdict == "unmet" else check for check in checks
    )
    return dataclasses.replace(
        plan,
        verb="block",
        title=f"Keep {plan.release} as blocked",
        summary=f"{summary}: the gate said no",
        environment=None,
        before=None,
        after=None,
        checks=told,
        effects=("the release and its verdict are recorded; no environment changes",),
        risk=Risk.REVERSIBLE,
        confirm=None,
        prepare=None,
        note_required=False,
    )


def _numbered(snapshot: Snapshot, release: Release, existing: str | None) -> Release:
    """`release` with the number that is free now, when it is still a draft."""
    return release if existing else release.model_copy(update={"id": snapshot.next_release_id()})


def _command(composition: Composition, override: str | None) -> str:
    parts = ["lockgate stage", *(f"--set {one.replace('@', '=')}" for one in composition.sets)]
    if composition.base:
        parts.append(f"--base {composition.base.id}")
    return " ".join(parts) + conditions.answer_flags(override)
