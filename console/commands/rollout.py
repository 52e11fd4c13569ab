"""lockgate rollout, watch, tick, why."""

from __future__ import annotations

import dataclasses
import signal
import threading

import click

from console.commands.options import Number, changing, json_option, override_option, workspace
from console.commands.output import carry_out, print_json, say, warn
from store.errors import LockgateError, MachineryError
from store.text import one_line
from store.workspace import Workspace

environment_option = click.option("--env", "environment", required=True, metavar="ENV")
"""--env ENV"""


@click.group(name="rollout")
def rollout_command() -> None:
    """A promotion in progress: look at it, move it, stop it."""


@rollout_command.command(name="status")
@environment_option
@json_option
def status(environment: str, as_json: bool) -> int:
    """Where the rollout stands, what it waits for, and what each metric says."""
    from console.commands.rollout_text import show_status, status_as_json
    from console.operations.rollout.status import status as look

    now = look(workspace(), environment)
    if as_json:
        print_json(status_as_json(now))
    else:
        show_status(now)
    return 0


@rollout_command.command(name="advance")
@environment_option
@click.option("--full", is_flag=True, help="Go to the last step, which serves everybody.")
@override_option
@changing
def advance(
    environment: str, full: bool, override: str | None, why: str, dry_run: bool, as_json: bool
) -> int:
    """Begin the next step now."""
    from console.operations.rollout import verbs

    here = workspace()
    plan = verbs.advance(here, environment, override=override, full=full)
    return carry_out(here, plan, why, dry_run, as_json)


@rollout_command.command(name="pause")
@environment_option
@changing
def pause(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Stop where it is; triggers still act."""
    from console.operations.rollout import verbs

    here = workspace()
    return carry_out(here, verbs.pause(here, environment), why, dry_run, as_json)


@rollout_command.command(name="resume")
@environment_option
@changing
def resume(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Go on, in the same step and with the same users."""
    from console.operations.rollout import verbs

    here = workspace()
    return carry_out(here, verbs.resume(here, environment), why, dry_run, as_json)


@rollout_command.command(name="abort")
@environment_option
@changing
def abort(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """End it: everybody is served stable. The release is not rejected; `lockgate rollback` does that."""
    from console.operations.rollout import verbs

    here = workspace()
    return carry_out(here, verbs.abort(here, environment), why, dry_run, as_json)


@rollout_command.command(name="approve")
@environment_option
@changing
def approve(environment: str, why: str, dry_run: bool, as_json: bool) -> int:
    """Say yes to the next step."""
    from console.operations.rollout import verbs

    here = workspace()
    return carry_out(here, verbs.approve(here, environment), why, dry_run, as_json)


@click.command(name="watch")
@click.option("--every", type=Number(0.2, 3600), default=5.0, show_default=True, help="Seconds.")
@click.option("--ticks", type=click.IntRange(1), help="End after so many looks.")
@click.option("--follow", is_flag=True, help="Decide nothing: serve what others decide, from the remote.")
@json_option
def watch_command(every: float, ticks: int | None, follow: bool, as_json: bool) -> int:
    """The controller: move rollouts by their policy until it is stopped (Ctrl+C)."""
    from console.commands.rollout_text import Teller
    from console.controller.watch import watch

    here = workspace()
    if follow:
        from console.operations.sync.sync import demanded

        demanded(here)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    if not as_json:
        say(f"{'Following' if follow else 'Watching'} {here.root.name} every {every:g} s; Ctrl+C ends it.")
    told = Teller(as_json, here.clock.now)
    watch(here, every=every, stopped=stopped, told=told, ticks=ticks, follow=follow)
    return 0


@click.command(name="tick")
@json_option
def tick_command(as_json: bool) -> int:
    """One look of the controller, for cron or a systemd timer."""
    from console.commands.rollout_text import show_tick, tick_as_json, troubles
    from console.controller.visit import visit
    from console.notify.running import keep_up

    here = workspace()

    def spread() -> tuple[str, ...]:
        problems = _synced(here) if here.settings.remote is not None else ()
        keep_up(here, here.clock.now())
        return problems

    done = visit(here, spread)
    problems = (*done.problems, *troubles(done))
    if as_json:
        print_json(tick_as_json(done))
        return MachineryError.exit_code if problems else 0
    show_tick(done)
    if problems:
        raise MachineryError(" ".join(one_line(text, 400) for text in problems))
    return 0


def _synced(here: Workspace) -> tuple[str, ...]:
    """Pushes and fetches; what a person has to see to. A remote that cannot be reached is told, and is no
    failure: the next tick tries again."""
    from console.operations.sync.sync import sync
    from store.git.remote import Unreachable

    try:
        done = sync(here)
    except Unreachable as error:
        warn(f"not synced: {error.message}")
        return ()
    except LockgateError as error:
        return (f"not synced: {error.message}",)
    for line in done.lines() if done.put_aside else ():
        warn(line)
    return (*done.problems, *((f"not pushed yet: {done.trouble}",) if done.trouble else ()))


@click.command(name="why")
@click.argument("unit")
@environment_option
@click.option("--at", metavar="T", help="A date, a time, or 3d, 12h ago; else now.")
@json_option
def why_command(unit: str, environment: str, at: str | None, as_json: bool) -> int:
    """Which release a user got, in which arm and step, and by which commit."""
    from console.operations.rollout.why import why
    from store.history.moments import moment

    here = workspace()
    answer = why(here, unit, environment, moment(at, here.clock.now()) if at else None)
    if as_json:
        print_json({**dataclasses.asdict(answer), "at": answer.at.isoformat()})
        return 0
    step = f", step {answer.step} at {answer.percent:g} %" if answer.step else ""
    say(f"{one_line(unit, 80)} is served {answer.release} ({answer.arm}{step}) in {environment}")
    say(f"  {answer.reason}")
    say(f"  commit {answer.commit[:10]}, generation {answer.generation}, record {answer.record or '—'}")
    return 0


__all__ = ["rollout_command", "tick_command", "watch_command", "why_command"]
