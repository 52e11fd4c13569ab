"""Drift baseline: ask a model that serves a few one-token prompts, and keep the answers with its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.operations.drift.asking import opened
from console.operations.drift.reading import folder_of, newest_baseline, serving
from console.operations.plan import Check, Plan, Stamp
from store.bounded import write_toml
from store.errors import Blocked, Inconclusive, InputError
from store.progress import Report, Stop, never, silent
from store.records.component import Kind, Pin
from store.records.drift import DriftBaseline, rounds_digest
from store.records.release import Release
from store.snapshot import Snapshot
from store.workspace import Workspace

if TYPE_CHECKING:
    from evals.drift.calls import Sample
    from evals.drift.sampling import Manner

DAILY = 24.0
_MOST_HOURS = 24 * 90


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose baseline is wanted."""

    pin: Pin
    environment: str
    """Where it serves."""
    release: Release


@dataclass(frozen=True, slots=True)
class Measured:
    """What was answered."""

    subject: Subject
    manner: Manner
    prompts: tuple[str, ...]
    near_tied: int | None
    sample: Sample
    served_by: str


def subject(workspace: Workspace, ref: str, environment: str | None = None) -> Subject:
    """The model version `ref` (`model/name@vN`, `model/name`, or without `model/`) where it serves.

    Raises InputError for what is no model version, Blocked where it does not serve.
    """
    return _subject(workspace.store.at(), ref, environment)


def _subject(snapshot: Snapshot, ref: str, environment: str | None) -> Subject:
    text = ref if "/" in ref else f"model/{ref}"
    pin = snapshot.pin(text)
    if pin.component.kind is not Kind.MODEL:
        raise InputError(f"{pin} is no model; a drift baseline is of model/NAME@vN.")
    for name, release, one in serving(snapshot, environment):
        if one == pin:
            return Subject(pin, name, release)
    where = environment or "production"
    raise Blocked(
        f"{pin} does not serve in {where}: a baseline is taken of what serves. Promote it first, "
        "or name the environment with --env. Nothing was changed."
    )


async def measure(
    workspace: Workspace, wanted: Subject, *, report: Report = silent, stop: Stop = never
) -> Measured:
    """Asks: 50 one-token calls where the endpoint tells logprobs, 500 where border inputs are searched.

    Raises InputError, MachineryError (no answers), Inconclusive (too few, or another model answers).
    """
    from evals.drift.border import find_border
    from evals.drift.inputs import PROMPTS
    from evals.drift.sampling import ROUNDS, manner_of, take
    from store.text import one_line

    model = workspace.store.at().model(wanted.pin)
    async with opened(workspace, model) as prober:
        manner = await manner_of(prober, PROMPTS[0])
        prompts: tuple[str, ...] = PROMPTS
        near_tied = None
        if manner.mode == "tokens":
            border = await find_border(prober, report=report, stop=stop)
            prompts, near_tied = border.prompts, border.near_tied
        sample = await take(prober, prompts, manner, report=report, stop=stop)
    if sample.strangers:
        names = ", ".join(one_line(name, 60) for name in sample.strangers)
        raise Inconclusive(
            f"{wanted.pin}: the endpoint says that it is {names}, not the pinned model; a baseline of it "
            "model would hide that. Pin what answers as a new version."
        )
    if len(sample.rounds) < ROUNDS:
        raise Inconclusive(
            f"{wanted.pin}: {len(sample.rounds)} of {ROUNDS} rounds of probes were answered whole, and a "
            f"baseline wants all ({sample.trouble or 'no reason was given'}) Try again."
        )
    return Measured(wanted, manner, prompts, near_tied, sample, prober.served_by)


def plan(
    workspace: Workspace, wanted: Subject, measured: Measured | None, every_hours: float = DAILY
) -> Plan:
    """What keeping `measured` as the baseline would do; None where nothing was asked yet (a dry run).

    `every_hours` is how often a controller checks it, 0 for never. Raises InputError.
    """
    if not 0 <= every_hours <= _MOST_HOURS:
        raise InputError(f"a check every {every_hours:g} hours is not possible: give 0 to {_MOST_HOURS}.")
    return _plan(workspace.store.at(), wanted, measured, every_hours)


def _plan(snapshot: Snapshot, wanted: Subject, measured: Measured | None, every_hours: float) -> Plan:
    wanted = _subject(snapshot, str(wanted.pin), wanted.environment)
    before = newest_baseline(snapshot, wanted.pin)
    digest = snapshot.digest(wanted.pin)

    def write(stamp: Stamp) -> Mapping[str, bytes]:
        if measured is None:
            return {}
        record = _record(wanted, measured, digest, every_hours, stamp)
        return {f"{folder_of(wanted.pin)}/{stamp.id}.toml": write_toml(record)}

    again = "; it replaces the one of " + f"{before.at:%Y-%m-%d}" if before else ""
    return Plan(
        verb="drift",
        tip=snapshot.commit,
        title=f"Drift baseline of {wanted.pin} in {wanted.environment}",
        summary=f"Took a drift baseline of {wanted.pin} in {wanted.environment}{again}",
        environment=wanted.environment,
        release=wanted.release.id,
        checks=tuple(_checks(wanted, measured)),
        effects=(_schedule(every_hours),),
        write=write,
        goal=("drift baseline", str(wanted.pin)),
        remake=lambda fresh: _plan(fresh, wanted, measured, every_hours),
        command=f"lockgate drift baseline {wanted.pin} --env {wanted.environment}",
    )


def _record(
    wanted: Subject, measured: Measured, digest: str, every_hours: float, stamp: Stamp
) -> DriftBaseline:
    sample = measured.sample
    return DriftBaseline(
        id=stamp.id,
        at=stamp.at,
        model=str(wanted.pin),
        model_digest=digest,
        environment=wanted.environment,
        release=wanted.release.id,
        every_hours=every_hours,
        mode=measured.manner.mode,
        tops=measured.manner.tops,
        temperature=measured.manner.temperature,
        prompts=measured.prompts,
        near_tied=measured.near_tied,
        rounds=sample.rounds,
        returned=sample.returned,
        fingerprints=sample.fingerprints,
        served_by=measured.served_by,
        digest=rounds_digest(measured.manner.mode, measured.prompts, sample.rounds),
    )


def _checks(wanted: Subject, measured: Measured | None) -> list[Check]:
    found = [Check("serves", "ok", f"{wanted.environment} serves it with {wanted.release.id}")]
    if measured is None:
        found.append(Check("answers", "ok", "the endpoint is asked when this is done"))
    elif measured.manner.mode == "logprobs":
        count = len(measured.prompts) * len(measured.sample.rounds)
        found.append(Check("answers", "ok", f"{count} first tokens with logprobs"))
    elif measured.near_tied:
        text = f"no logprobs; {measured.near_tied} of {len(measured.prompts)} inputs are near a tie"
        found.append(Check("answers", "ok", text))
    else:
        text = "no logprobs, and no input is near a tie: only large changes will be noticed"
        found.append(Check("answers", "warn", text))
    return found


def _schedule(every_hours: float) -> str:
    if every_hours == 0:
        return "only `lockgate drift check` checks it"
    return f"`lockgate watch` and `lockgate tick` check it every {every_hours:g} hours"
