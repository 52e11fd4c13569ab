"""What answers a case: the release itself, or the application that carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from evals.answer import Answer

if TYPE_CHECKING:
    from evals.case import Case


class Target(Protocol):
    """Anything that answers cases."""

    async def answer(self, case: Case, repeat: int) -> Answer:
        """The answer to `case`, for the `repeat`-th time (from 1).

        A failure of the machinery comes back as `Answer.error`; LockgateError is raised only where
        no other case would fare better.
        """
        ...
