"""Asks a baseline's prompts, round by round, and keeps the rounds that are whole."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evals.drift.calls import Call, Round, Sample
from evals.drift.probe import ProbeError, Prober
from evals.drift.reply import KEPT_TOPS, Probe
from evals.models.pins import answers_for
from store.progress import Progress, Report, Stop, check, never, silent
from store.records.versions import ModelPin

Mode = Literal["logprobs", "tokens"]
"""What is compared: the most likely first tokens with their logprobs, or the first token itself."""
ROUNDS = 10
"""Calls of each prompt, at a baseline and at each check."""
MIN_ROUNDS = 5
"""With fewer whole rounds a check says nothing."""
_TOPS = (KEPT_TOPS, 5)
"""Endpoints that refuse the first are asked for the second."""
_LEAST = -25.0
"""A second token that is less likely than this was made so by the sampling."""
_NO_TOPS = "the endpoint told no logprobs, as it did for the baseline"


@dataclass(frozen=True, slots=True)
class Manner:
    """How an endpoint is probed."""

    mode: Mode
    tops: int = 0
    """Logprobs asked for."""
    temperature: float = 0.0
    """0 gives the likeliest token. Where logprobs are those after sampling, which says nothing at 0, 1."""


async def manner_of(prober: Prober, prompt: str) -> Manner:
    """How this endpoint can be probed. Raises ProbeError where it answers nothing at all."""
    for tops in _TOPS:
        for temperature in (0.0, 1.0):
            try:
                probe = await prober.ask(prompt, temperature=temperature, tops=tops)
            except ProbeError as error:
                if not error.refused:
                    raise
                continue
            if len(probe.tops) > 1 and probe.tops[1][1] > _LEAST:
                return Manner("logprobs", tops, temperature)
    return Manner("tokens")


async def take(
    prober: Prober,
    prompts: Sequence[str],
    manner: Manner,
    *,
    rounds: int = ROUNDS,
    report: Report = silent,
    stop: Stop = never,
) -> Sample:
    """Asks each of `prompts` once in every round. Raises Cancelled, and ProbeError where the endpoint
    refuses for good; single failures are counted."""
    made = _Made(prober.model)
    for number in range(rounds):
        check(stop, "The probes")
        found = await asyncio.gather(*(_asked(prober, prompt, manner) for prompt in prompts))
        made.add(found)
        if all(isinstance(one, ProbeError) for one in found):
            break  # nobody answers: the other rounds would only take longer to say so
        report(Progress("probes", number + 1, rounds))
    return made.sample()


class _Made:
    """A sample in the making."""

    def __init__(self, model: ModelPin) -> None:
        self._model = model
        self._rounds: list[Round] = []
        self._returned: set[str] = set()
        self._fingerprints: set[str] = set()
        self._failures = 0
        self._trouble = ""

    def add(self, found: Sequence[tuple[Probe, Call] | ProbeError]) -> None:
        calls: list[Call] = []
        for one in found:
            if isinstance(one, ProbeError):
                self._failures += 1
                self._trouble = one.message
                continue
            probe, call = one
            if probe.returned:
                self._returned.add(probe.returned)
            if probe.fingerprint:
                self._fingerprints.add(probe.fingerprint)
            if self._is_ours(probe.returned):
                calls.append(call)
        if len(calls) == len(found):
            self._rounds.append(tuple(calls))

    def sample(self) -> Sample:
        returned = tuple(sorted(self._returned))[:20]
        return Sample(
            rounds=tuple(self._rounds),
            returned=returned,
            strangers=tuple(name for name in returned if not self._is_ours(name)),
            fingerprints=tuple(sorted(self._fingerprints))[:20],
            failures=self._failures,
            trouble=self._trouble,
        )

    def _is_ours(self, returned: str) -> bool:
        """An endpoint that does not name its model says nothing about it."""
        return not returned or answers_for(self._model, returned)


async def _asked(prober: Prober, prompt: str, manner: Manner) -> tuple[Probe, Call] | ProbeError:
    try:
        probe = await prober.ask(prompt, temperature=manner.temperature, tops=manner.tops)
    except ProbeError as error:
        if error.hopeless:
            raise
        return error
    if manner.mode == "tokens":
        return probe, ((probe.token, 0.0),)
    return (probe, probe.tops) if len(probe.tops) > 1 else ProbeError(f"{_NO_TOPS}.")
