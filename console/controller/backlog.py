"""Which sampled requests are still to be done for one job, oldest first."""

from __future__ import annotations

from collections.abc import Callable

from evals.live.envelopes import Envelopes, Mark
from evals.live.work_file import WorkFile


class Backlog:
    """Looks again and again; what is done with at the beginning of the file is not looked at twice."""

    def __init__(self, file: WorkFile, envelopes: Envelopes, environment: str, job: str) -> None:
        self._file = file
        self._envelopes = envelopes
        self._environment = environment
        self._job = job
        self._seen = (0, 0)
        self._upto = 0

    def waiting(self, generation: int, belongs: Callable[[Mark], bool], now: float, most: int) -> list[Mark]:
        """Those served from `generation` on that belong to the job and nobody has or had, at most `most`.

        Of more the oldest are written down as dropped. `now` is in seconds since 1970.
        Raises MachineryError when a file cannot be used.
        """
        if self._seen != self._envelopes.identity:  # the numbers of another file say nothing
            self._seen, self._upto = self._envelopes.identity, 0
        marks = self._envelopes.marks(self._environment, generation, self._upto)
        mine = [one for one in marks if belongs(one)]
        if not mine:
            self._upto = marks[-1].id if marks else self._upto
            return []
        states = self._file.states_of(self._job, [one.request_id for one in mine], now)
        open_ones = [one for one in mine if states.get(one.request_id) in (None, "working")]
        self._upto = open_ones[0].id - 1 if open_ones else marks[-1].id
        waiting = [one for one in open_ones if one.request_id not in states]
        if len(waiting) > most:
            self._file.settle(self._job, [one.request_id for one in waiting[:-most]], "dropped", now)
        return waiting[-most:]
