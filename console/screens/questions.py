"""From a question of the catalogue to its answer: what it is about is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from console.operations.audit.questions.answer import Asked
from console.operations.audit.questions.catalogue import QUESTIONS, Question
from console.screens.answer import AnswerScreen
from console.screens.ask import AskDialog
from console.screens.choose import ChooseDialog
from console.screens.session import Session
from console.views.audit import question_choices, right_choices
from console.views.line import line
from store.records.rights import Action

if TYPE_CHECKING:
    from console.app import LockgateApp


def ask(app: LockgateApp, session: Session) -> None:
    """Opens the list of questions."""

    def chosen(name: str | None) -> None:
        question = next((one for one in QUESTIONS if one.name == name), None)
        if question is not None:
            _about(app, session, question)

    app.push_screen(ChooseDialog("What auditors ask", question_choices()), chosen)


def _about(app: LockgateApp, session: Session, question: Question) -> None:
    def answered(what: str | None) -> None:
        if what is not None:
            app.push_screen(AnswerScreen(session, question, Asked(what=what.strip())))

    if question.name == "people":
        app.push_screen(ChooseDialog("Whose right was it to", right_choices(get_args(Action))), answered)
    elif question.what:
        hint = line("A component or a version: evals/support, model/chat@v2.")
        app.push_screen(AskDialog("Where was it used", (hint,)), answered)
    else:
        answered("")
