"""Whether what this machine signs would count: its key, its signers' file and its name fit each other."""

from __future__ import annotations

from store.errors import LockgateError
from store.signing.ruling import Refused, signer_of
from store.signing.settled import allowed_signers, signing
from store.text import one_line
from store.workspace import Workspace

_TRIED = b"lockgate doctor: is this key good?\n"


def signing_trouble(workspace: Workspace) -> str | None:
    """Signs a line that is kept nowhere. Why that would not count, in one clause; None where it does.

    For a machine with a signing key; raises what reading its settings raises.
    """
    settings, person = workspace.settings, workspace.person
    signs = signing(settings, person)
    if signs is None or settings.allowed_signers is None:
        return None
    try:
        armored = signs.sign(_TRIED)
        found = signer_of(armored, _TRIED, allowed_signers(settings), workspace.clock.now())
    except LockgateError as error:
        return error.message
    who = one_line(person.email or person.name, 120)
    if isinstance(found, Refused):
        return f"{found.why}; until it is, what {who} does here counts as unsigned"
    if not found.speaks_for(person.email):
        return (
            f"the signing key is that of {found.principals}, and who acts here is {who}; set `author` in "
            "settings.toml, or git's user.email, to whom the key belongs"
        )
    return None
