"""What this machine's settings say about signing."""

from __future__ import annotations

from pathlib import Path
from stat import S_IWOTH

from store.errors import InputError
from store.records.base import Person
from store.settings import Settings
from store.signing import allowed
from store.signing.allowed import Signers
from store.signing.signer import Signing
from store.text import one_line

_WAY_OUT = (
    'write `allowed_signers = "/path/to/allowed_signers"` into it, above the first table, and a line '
    "`ana@example.org ssh-ed25519 AAAA…` for each person into that file"
)


def signing(settings: Settings, person: Person) -> Signing | None:
    """Who signs commits here, as `person`; None where no key is named."""
    return Signing(Path(settings.signing_key).expanduser(), person) if settings.signing_key else None


def allowed_signers(settings: Settings) -> Signers:
    """Who may sign, as this machine has it. Raises InputError where no file is named, or it says nothing that
    can be relied on."""
    named = settings.allowed_signers
    if named is None:
        raise InputError(f"settings.toml names no allowed_signers, so nobody's signature counts: {_WAY_OUT}.")
    return signers_in(Path(named).expanduser())


def signers_in(path: Path) -> Signers:
    """The signers' file at `path`. Raises InputError."""
    shown = one_line(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(allowed.LIMIT + 1)
        others_write = path.stat().st_mode & S_IWOTH
    except OSError as error:
        raise InputError(
            f"{shown} is the file of allowed signers, and cannot be read ({error.strerror}); put "
            "a line `ana@example.org ssh-ed25519 AAAA…` for each person there."
        ) from None
    if others_write:
        raise InputError(f"{shown} can be written by anybody, so it says nothing; `chmod o-w` it.")
    found = allowed.parse(data, shown)
    if not found.by_key:
        raise InputError(f"{shown} allows nobody; write a line `ana@example.org ssh-ed25519 AAAA…` into it.")
    return found
