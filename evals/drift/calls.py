"""What probes give: for one prompt a call, for all prompts a round, for one check a sample."""

from __future__ import annotations

from dataclasses import dataclass

Call = tuple[tuple[str, float], ...]
"""(token, logprob), the most likely first. Where only the token is known: that token, with 0."""
Round = tuple[Call, ...]
"""One call for each prompt, in the order of the prompts."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What an endpoint answered to the prompts of a baseline, each asked once in every round."""

    rounds: tuple[Round, ...]
    """The rounds in which every prompt was answered by the pinned model."""
    returned: tuple[str, ...] = ()
    """The names by which it called itself, each once, in order of the alphabet."""
    strangers: tuple[str, ...] = ()
    """Those of `returned` that are not the pin's."""
    fingerprints: tuple[str, ...] = ()
    """`system_fingerprint`: recorded, never judged. It changes without a change, and stays with one
    (openai-python 708, openai-cookbook 861)."""
    failures: int = 0
    """Calls that gave no answer."""
    trouble: str = ""
    """What the last of them said."""
