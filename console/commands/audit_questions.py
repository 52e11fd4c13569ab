"""lockgate audit QUESTION: a command for each question of the catalogue."""

from __future__ import annotations

from typing import Any

import click

from console.commands.options import listing, workspace
from console.commands.output import print_json, progress, say, show_rows
from store.errors import Blocked

_ENVIRONMENT = click.option("--env", "environment", metavar="ENV", help="Only this environment.")
_SINCE = click.option("--since", metavar="T", help="A date, a time, or 3d, 12h, 2w.")
_UNTIL = click.option("--until", metavar="T")
_AT = click.option("--at", metavar="T", help="The instant; now, where nothing is said.")

NAMES = {
    "changes": "Every change in a period; with --env counted against the commits that moved it.",
    "ran": "What ran at an instant: every component, and which share of users had it.",
    "unapproved": "Forward changes without an approval, approved by their author, or overridden.",
    "emergencies": "Overrides and broken glass, and how long until somebody else reviewed them.",
    "rollbacks": "Rollbacks: why, by whom, and how long users had what was taken back.",
    "uses": "Where a version (of a data set, a judge, a model, an index …) was used, and when it served.",
    "people": "Who had a right (promote, approve, rollback …), and when that changed.",
    "retention": "What was done to keep index versions or let them go, and why that was allowed.",
    "recheck": "Compute every digest of the evidence again: does it still fit what it was about?",
}
"""Help by question. The catalogue itself is only imported when one is asked."""
_WITH_ARGUMENT = {"uses": "KIND/NAME[@vN]", "people": "RIGHT"}
_WITHOUT_ENVIRONMENT = ("retention", "recheck")
_WITHOUT_PERIOD = ("ran", "people")


def add_questions(group: click.Group) -> None:
    """Adds them to `lockgate audit`."""
    for name, help in NAMES.items():
        group.add_command(_command(name, help))


def _command(name: str, help: str) -> click.Command:
    def run(match: str, form: str, as_json: bool, **given: Any) -> int:
        return _answer(name, given, match, form, as_json)

    decorated: Any = listing(run)
    if name == "ran":
        decorated = _AT(decorated)
    if name not in _WITHOUT_PERIOD:
        decorated = _SINCE(_UNTIL(decorated))
    if name not in _WITHOUT_ENVIRONMENT:
        decorated = _ENVIRONMENT(decorated)
    if name in _WITH_ARGUMENT:
        decorated = click.argument("what", metavar=_WITH_ARGUMENT[name])(decorated)
    return click.command(name=name, help=help)(decorated)


def _answer(name: str, given: dict[str, Any], match: str, form: str, as_json: bool) -> int:
    from console.operations.audit.questions.answer import Asked
    from console.operations.audit.questions.catalogue import QUESTIONS
    from console.operations.audit.questions.past import Past
    from store.history.moments import moment

    here = workspace()
    now = here.clock.now()
    times = {key: moment(text, now) for key in ("since", "until", "at") if (text := given.get(key))}
    if environment := given.get("environment"):
        here.store.at().environment(environment)  # raises the sentence that names those there are
    question = next(one for one in QUESTIONS if one.name == name)
    asked = Asked(environment=environment, what=given.get("what") or "", **times)
    answer = question.answer(Past(here, progress), asked)
    if as_json:
        wanted = match.casefold()
        rows = [one for one in answer.as_data() if any(wanted in str(c).casefold() for c in one.values())]
        print_json({"ok": not answer.wrong, "said": answer.said, "rows": rows})
    else:
        shown = tuple(tuple("" if cell is None else cell for cell in row) for row in answer.rows)
        show_rows(answer.head, shown, match=match, form=form, as_json=False, empty="")
        if form == "table":
            say(answer.said)
    return Blocked.exit_code if answer.wrong else 0
