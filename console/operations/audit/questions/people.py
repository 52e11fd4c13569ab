"""Who had a right, and when that changed."""

from __future__ import annotations

from typing import cast, get_args

from console.operations.audit.questions.answer import Answer, Asked, Cell, clock
from console.operations.audit.questions.past import Past
from console.operations.counted import counted
from store.errors import InputError, LockgateError
from store.records.policy import Policy
from store.records.rights import Action
from store.rules.rights import named
from store.snapshot import POLICY_PATH
from store.text import one_line

HEAD = ("since", "until", "who", "changed_by", "record", "commit")
_EVERYBODY = "everybody"
_UNREADABLE = "nobody: lockgate.toml could not be read"


def people(past: Past, asked: Asked) -> Answer:
    """Whose the right `asked.what` was in `asked.environment`, oldest first. Raises InputError."""
    action = _action(asked.what)
    rows: list[tuple[Cell, ...]] = []
    last: str | None = None
    for entry in reversed(list(past.entries(Asked()))):
        if not past.changed(entry.commit, POLICY_PATH):
            continue
        who = _who(past, entry.commit, action, asked.environment)
        if who != last:
            if rows:
                rows[-1] = (rows[-1][0], clock(entry.at), *rows[-1][2:])
            rows.append((clock(entry.at), None, who, entry.author, entry.id or None, entry.commit))
            last = who
    where = f" in {asked.environment}" if asked.environment else ""
    said = f"The right to {action}{where} changed {counted(max(0, len(rows) - 1), 'time')}; now: {last}."
    return Answer(HEAD, tuple(rows), said)


def _action(text: str) -> Action:
    known = get_args(Action)
    if text not in known:
        raise InputError(f"{one_line(text, 40)!r} is no right; there are {', '.join(known)}.")
    return cast("Action", text)


def _who(past: Past, id: str, action: Action, environment: str | None) -> str:
    try:
        policy = past.workspace.store.at(id).policy
    except LockgateError:
        return _UNREADABLE
    found = named(policy, action, environment)
    return _EVERYBODY if found is None else ", ".join(_spelled(policy, one) for one in found) or "nobody"


def _spelled(policy: Policy, who: str) -> str:
    members = (policy.roles or {}).get(who)
    return f"{who} ({', '.join(members)})" if members is not None else who
