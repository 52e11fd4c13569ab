"""One line of cases.jsonl: what is asked, and what a good answer is."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from evals.graders import GraderSpec
from store.canonical import canonical_json, sha256_hex
from store.records.base import Strict
from store.records.policy import Tier
from store.records.versions import Identifier, Scalar

Text = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]{0,127}$")]
_UNHASHED = frozenset({"id", "tags", "cluster", "tier"})


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    # As a length constraint it would be told a second time for every bad entry.
    if not value:
        raise PydanticCustomError("empty_list", "the list is empty; give at least one")
    return value


class Message(Strict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Text


def _shape(value: Any) -> str | None:
    if isinstance(value, str):
        return "text"
    if isinstance(value, list | tuple):
        return "messages"
    return "variables" if isinstance(value, dict) else None


Input = Annotated[
    Annotated[Text, Tag("text")]
    | Annotated[tuple[Message, ...], Field(max_length=200), AfterValidator(_not_empty), Tag("messages")]
    | Annotated[dict[Identifier, Scalar], Field(min_length=1, max_length=100), Tag("variables")],
    Discriminator(
        _shape,
        custom_error_type="input_shape",
        custom_error_message="write text, a list of messages {role, content} or an object of variables",
    ),
]


class Case(Strict):
    """One question of a suite with the graders that judge its answer."""

    id: Id
    """Its name in the suite: what people see."""
    input: Input
    """Text, messages, or variables for the prompt."""
    expect: Annotated[tuple[GraderSpec, ...], Field(max_length=50), AfterValidator(_not_empty)]
    """What judges the answer."""
    category: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """One of the categories of suite.toml."""
    tier: Tier = "full"
    """The smallest tier that runs it."""
    must_pass: bool = False
    """True blocks a release on which it fails for certain and the baseline did not."""
    context_ids: tuple[Text, ...] = Field(default=(), max_length=1000)
    """Ids of the rows, or of the source documents, that answer the question."""
    reference: Text | None = None
    """A right answer."""
    cluster: str | None = Field(default=None, max_length=200)
    """What it shares its origin with, for example a document."""
    tags: tuple[str, ...] = Field(default=(), max_length=50)
    """For people: nothing depends on them."""

    @cached_property
    def content_hash(self) -> str:
        """64 hex digits: the sha256 of the canonical JSON of all that decides a score.

        That is everything but id, tags, cluster and tier, so renaming, tagging or moving a case to
        another tier keeps its pair. Fields at their default are left out: a later optional field
        changes no hash.
        """
        content = self.model_dump(mode="json", by_alias=True, exclude=set(_UNHASHED), exclude_defaults=True)
        return sha256_hex(canonical_json(content))

    @property
    def question(self) -> str:
        """The user's words, for retrieval.

        The text; the last user message (or the last message where there is none); the variable
        `question`, `query` or `input`, or else all variables, a line each.
        """
        if isinstance(self.input, str):
            return self.input
        if isinstance(self.input, tuple):
            asked = [one.content for one in self.input if one.role == "user"]
            return (asked or [self.input[-1].content])[-1]
        for name in ("question", "query", "input"):
            if name in self.input:
                return str(self.input[name])
        return "\n".join(str(value) for value in self.input.values())
