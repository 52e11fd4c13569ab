"""When a controller last looked: `state/controller.json`, read by the console and the next tick."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from store.bounded import parse_json
from store.errors import InputError
from store.git.durability import write_atomically
from store.workspace import Workspace

LATE = timedelta(seconds=150)
"""A controller that has not looked for so long, while a rollout is on its way, is missed. A timer comes each
minute and takes its time."""

WORKER_FILE = "worker.json"
"""In `state`: what the controller's worker could not do in its last pass."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a controller on this machine."""

    at: datetime | None = None
    host: str = ""
    pid: int = 0
    problems: tuple[str, ...] = ()
    troubles: Mapping[str, datetime] = field(default_factory=dict)
    """By attempt: since when its evidence could not be read."""
    settling: Mapping[str, datetime] = field(default_factory=dict)
    """By attempt: since when the time of its watch is found to be over."""

    def late(self, now: datetime) -> bool:
        """Whether nobody has looked lately."""
        return self.at is None or abs(now - self.at) > LATE


def heartbeat_path(workspace: Workspace) -> Path:
    """Where it is kept."""
    return workspace.state / "controller.json"


def beat(
    workspace: Workspace,
    problems: tuple[str, ...],
    troubles: Mapping[str, datetime],
    settling: Mapping[str, datetime],
) -> None:
    """Says that a controller looked now. A disk that refuses is no reason to stop looking."""
    value = {
        "at": workspace.clock.now().isoformat(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "problems": [text[:1000] for text in problems[:20]],
        "troubles": {attempt: since.isoformat() for attempt, since in troubles.items()},
        "settling": {attempt: since.isoformat() for attempt, since in settling.items()},
    }
    try:
        workspace.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(heartbeat_path(workspace), json.dumps(value).encode())
    except OSError:
        return


def last_beat(workspace: Workspace) -> Heartbeat:
    """The last one; an empty one where there is none or it cannot be read."""
    try:
        value = parse_json(heartbeat_path(workspace).read_bytes(), "the heartbeat")
        return _heartbeat(value)
    except (OSError, InputError, KeyError, TypeError, ValueError):
        return Heartbeat()


def worker_beat(workspace: Workspace, problems: tuple[str, ...]) -> None:
    """Says what the controller's worker could not do in its pass now."""
    value = {
        "at": workspace.clock.now().isoformat(),
        "problems": [text[:1000] for text in problems[:20]],
    }
    try:
        workspace.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(workspace.state / WORKER_FILE, json.dumps(value).encode())
    except OSError:
        return


def worker_problems(workspace: Workspace) -> tuple[str, ...]:
    """What a worker that ran lately could not do."""
    try:
        value = parse_json((workspace.state / WORKER_FILE).read_bytes(), "the worker's problems")
        if abs(workspace.clock.now() - _instant(value["at"])) > LATE:
            return ()
        return tuple(str(one) for one in value["problems"])
    except (OSError, InputError, KeyError, TypeError, ValueError):
        return ()


def _heartbeat(value: Any) -> Heartbeat:
    return Heartbeat(
        at=_instant(value["at"]),
        host=str(value["host"]),
        pid=int(value["pid"]),
        problems=tuple(str(one) for one in value["problems"]),
        troubles={str(attempt): _instant(since) for attempt, since in value["troubles"].items()},
        settling={str(attempt): _instant(since) for attempt, since in value.get("settling", {}).items()},
    )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a time zone")
    return at
