"""state/retention.json: for how long this machine has seen what idle. Losing it makes all young again."""

from __future__ import annotations

from datetime import timedelta

from store.boot_clock import BootTime
from store.bounded import read_json
from store.errors import InputError, MachineryError
from store.git.durability import write_atomically
from store.rules.ageing import Ages
from store.text import one_line
from store.workspace import Workspace

EVERY = timedelta(hours=1)
"""Between two sweeps of a controller."""


def read_ages(workspace: Workspace) -> Ages:
    """What was seen; nothing where the file is missing or cannot be understood. Raises MachineryError."""
    path = workspace.state / "retention.json"
    try:
        return read_json(Ages, path.read_bytes(), path.name)
    except (FileNotFoundError, InputError):
        return Ages()
    except OSError as error:
        raise MachineryError(f"{path} cannot be read: {one_line(str(error))}.") from None


def write_ages(workspace: Workspace, ages: Ages) -> None:
    """Remembers `ages`. Raises MachineryError when the disk refuses."""
    write_atomically(workspace.state / "retention.json", ages.model_dump_json(indent=1).encode() + b"\n")


def is_due(ages: Ages, boot: BootTime) -> bool:
    """Whether the last sweep is an hour ago, or was before the machine was started."""
    last = ages.look
    if last is None or last.boot != boot.boot:
        return True
    return not 0 <= boot.seconds - last.seconds < EVERY.total_seconds()
