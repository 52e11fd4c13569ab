"""What a target gave back for one case: the only thing that graders see of a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Retrieved:
    """One passage that was found for the question."""

    id: str
    """The row's id in the index."""
    source: str
    """The source document's id (its path in the folder it was read from)."""
    text: str
    distance: float
    """Squared l2 distance between unit vectors: 0 is equal, 4 is opposite."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. `error` set means that machinery failed: such an answer is never scored."""

    text: str = ""
    retrieved: tuple[Retrieved, ...] = ()
    refused_by: str | None = None
    """The guardrail rule that refused, or None."""
    model_returned: str = ""
    finish_reason: str = ""
    latency_ms: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    attempts: int = 1
    error: str | None = None
    """One sentence about what failed (time-out, 500, wrong model, …)."""
    cached: bool = False
