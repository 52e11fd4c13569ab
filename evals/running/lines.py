"""The lines of a run's journal: how it began, every answer, how it ended."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from evals.answer import Answer, Retrieved
from evals.case import Case
from evals.graders.grading import CaseScore
from evals.runner import ArmName, Graded
from store.bounded import LINE_LIMIT, parse_json, validate
from store.canonical import sha256_hex
from store.errors import InputError
from store.records.base import Instant, Strict
from store.text import json_safe

TEXT_KEPT = 20_000
"""Characters of an answer; of a longer one the beginning and a hash of all of it."""
PASSAGES_KEPT = 30
_PASSAGE_KEPT = 1_500
_NAME_KEPT = 200
_REASONS_KEPT = 50
_REASON_KEPT = 400

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Start(Strict):
    """One go of the run: the first line, and again whenever it goes on."""

    line: Literal["start"] = "start"
    run: Hash
    at: Instant
    release: str = Field(max_length=40)
    baseline: str | None = Field(default=None, max_length=40)
    tier: str = Field(max_length=40)
    suites: tuple[str, ...] = ()
    """As `evals/name@vN`."""


class Found(Strict):
    """One passage, cut."""

    id: str
    source: str = ""
    text: str = ""
    distance: float = 0.0


class Entry(Strict):
    """One answer of one arm to one case, and its score."""

    line: Literal["answer"] = "answer"
    suite: str
    """`evals/name`."""
    arm: ArmName
    case: Hash
    """Content hash."""
    repeat: int = Field(ge=1, le=1000)
    at: Instant
    score: float | None = Field(default=None, ge=0, le=1)
    """None where machinery failed: then it is asked for again when the run goes on."""
    passed: bool | None = None
    reasons: tuple[str, ...] = ()
    trouble: str | None = None
    """Why there is no score."""
    failed: str | None = None
    """What failed of the answer itself."""
    text: str = ""
    retrieved: tuple[Found, ...] = ()
    refused_by: str | None = None
    model: str = ""
    """What the endpoint said that it is."""
    finish: str = ""
    latency_ms: float = Field(default=0, ge=0)
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    attempts: int = Field(default=1, ge=0)
    cached: bool = False
    trusts: tuple[str, ...] = ()
    """What the judge was trusted with when this was scored."""

    @property
    def key(self) -> Key:
        """What it is the answer to."""
        return self.suite, self.arm, self.case, self.repeat

    @classmethod
    def of(cls, suite: str, graded: Graded, at: Instant, trusts: tuple[str, ...] = ()) -> Self:
        """`graded` as it is kept."""
        answer, score = graded.answer, graded.score
        return cls(
            suite=suite,
            arm=graded.arm,
            case=graded.case.content_hash,
            repeat=graded.repeat,
            at=at,
            score=score.score,
            passed=score.passed,
            reasons=tuple(_cut(one, _REASON_KEPT) for one in score.reasons[:_REASONS_KEPT]),
            trouble=None if score.error is None else _cut(score.error, _REASON_KEPT),
            failed=None if answer.error is None else _cut(answer.error, _REASON_KEPT),
            text=_cut(answer.text, TEXT_KEPT),
            retrieved=tuple(_found(one) for one in answer.retrieved[:PASSAGES_KEPT]),
            refused_by=None if answer.refused_by is None else _cut(answer.refused_by, _NAME_KEPT),
            model=_cut(answer.model_returned, _NAME_KEPT),
            finish=_cut(answer.finish_reason, _NAME_KEPT),
            latency_ms=answer.latency_ms,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            attempts=answer.attempts,
            cached=answer.cached,
            trusts=trusts,
        )

    def graded(self, case: Case) -> Graded:
        """The answer again, as everything that judges it sees it."""
        answer = Answer(
            text=self.text,
            retrieved=tuple(Retrieved(one.id, one.source, one.text, one.distance) for one in self.retrieved),
            refused_by=self.refused_by,
            model_returned=self.model,
            finish_reason=self.finish,
            latency_ms=self.latency_ms,
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            attempts=self.attempts,
            error=self.failed,
            cached=self.cached,
        )
        score = CaseScore(case.id, self.score, self.passed, self.reasons, self.trouble)
        return Graded(self.arm, case, self.repeat, answer, score)


class End(Strict):
    """The run came to its end: the same run begins anew after this."""

    line: Literal["end"] = "end"
    at: Instant
    outcome: str = Field(max_length=40)


Key = tuple[str, ArmName, str, int]
"""(suite, arm, content hash, repeat)."""
Line = Start | Entry | End
_KINDS: dict[str, type[Line]] = {"start": Start, "answer": Entry, "end": End}


def written(line: Line) -> bytes:
    """`line` as it stands in the file: one line of JSON in which nothing acts on a terminal."""
    rest = line.model_dump_json(exclude={"line"}, exclude_defaults=True)
    return json_safe(f'{{"line":"{line.line}",{rest[1:]}').encode() + b"\n"


def read_line(data: bytes) -> Line | None:
    """The line that `data` is; None for one that is torn, damaged or not ours."""
    try:
        value = parse_json(data, "the line", LINE_LIMIT)
        kind = _KINDS.get(str(value.get("line"))) if isinstance(value, dict) else None
        return None if kind is None else validate(kind, value, "the line")
    except InputError:
        return None


def _found(passage: Retrieved) -> Found:
    return Found(
        id=_cut(passage.id, _NAME_KEPT),
        source=_cut(passage.source, _NAME_KEPT),
        text=_cut(passage.text, _PASSAGE_KEPT),
        distance=passage.distance,
    )


def _cut(text: str, limit: int) -> str:
    """At most about `limit` characters of `text`, all of which UTF-8 has, told from any other text."""
    whole = text.encode(errors="replace")
    plain = whole.decode()
    return plain if len(plain) <= limit else f"{plain[:limit]}… [sha256 {sha256_hex(whole)[:16]}]"
