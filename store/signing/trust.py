"""trust.toml: how far this machine has verified the store. Beside settings.toml and never in git, so that
nothing that comes with a store can say that it was verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.bounded import read_toml, write_toml
from store.errors import MachineryError
from store.git.durability import write_atomically
from store.records.base import Digest, Instant, Strict
from store.text import one_line

FILE = "trust.toml"
CommitId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class Trust(Strict):
    """What was verified."""

    format: Literal["lockgate.trust/1"] = "lockgate.trust/1"
    head: CommitId
    """The commit up to which every one was good."""
    signers: Digest
    """Of the signers' file that they were held against."""
    verified_at: Instant
    commits: int = Field(ge=0)
    """How many were verified."""
    after: CommitId | None = None
    """The commit that a person vouched for; only what came after it was verified."""


def read_trust(folder: Path) -> Trust | None:
    """What trust.toml in `folder` says; None where nothing was verified yet. Raises InputError,
    MachineryError."""
    path = folder / FILE
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise MachineryError(f"{path} cannot be read: {one_line(str(error))}.") from None
    return read_toml(Trust, data, FILE)


def write_trust(folder: Path, trust: Trust) -> None:
    """Writes trust.toml, whole or not at all, for its owner only. Raises MachineryError."""
    write_atomically(folder / FILE, write_toml(trust))
