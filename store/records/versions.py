"""The TOML of each kind of component version, one class a kind."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from store.records.base import Digest, Instant, Prose, Strict, VersionId

Scalar = str | int | float | bool
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,63}$")]


class Variable(Strict):
    """One thing that the application fills into a prompt: `{{name}}`."""

    name: Identifier
    type: Literal["string", "integer", "number", "boolean"] = "string"
    required: bool = True
    default: Scalar | None = None
    description: Prose = ""


class PromptInfo(Strict):
    """prompts/<name>/<version>/prompt.toml"""

    variables: tuple[Variable, ...] = Field(default=(), max_length=100)
    what_changed: Prose = ""
    why: Prose = ""


class Waiver(Strict):
    """A person who answers for a model id that nobody can prove to be pinned."""

    reason: Prose
    by: str


class ModelPin(Strict):
    """models/<name>/<version>.toml"""

    provider: str
    """openai, anthropic, google, mistral, bedrock, azure, ollama, hf, gguf, …"""
    id: str
    """The pinned id, as the provider's pin rule wants it."""
    base_url: str | None = None
    """An OpenAI-compatible endpoint; None means the provider's own (openai) or the embedded server (gguf)."""
    parameters: dict[str, Scalar] = Field(default_factory=dict, max_length=50)
    """temperature, max_tokens, seed, …: part of the version."""
    waiver: Waiver | None = None
    what_changed: Prose = ""


class EmbedderIdentity(Strict):
    """Which embedder made the vectors, so exactly that another one is noticed."""

    name: str
    """minilm, openai:<model>, chroma-default, lexical."""
    weights: Digest | None = None
    """The digest of the weights, where they are on this machine."""
    dimension: int = Field(ge=1, le=100_000)


def _inside(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")) or not path.isprintable() or "\\" in path:
        raise ValueError("is no path inside a sealed folder")
    return path


InsidePath = Annotated[str, StringConstraints(max_length=500), AfterValidator(_inside)]
"""A relative path that stays below where it is joined to."""


class SealedFile(Strict):
    """One file of a sealed directory."""

    path: InsidePath
    size: int = Field(ge=0)
    """Bytes."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


DELTA_NAMES = 100
"""Source documents of a DocumentDelta that are named, of each kind."""
DELTA_NAME_CHARACTERS = 200
_Names = Annotated[tuple[str, ...], Field(max_length=DELTA_NAMES)]


class DocumentDelta(Strict):
    """What differs from the parent, in source documents."""

    added: int = Field(default=0, ge=0)
    removed: int = Field(default=0, ge=0)
    changed: int = Field(default=0, ge=0)
    added_sources: _Names = ()
    """The first hundred that were added, sorted."""
    removed_sources: _Names = ()
    changed_sources: _Names = ()


class IndexManifest(Strict):
    """indexes/<name>/<version>.toml: everything about an index version but its bytes."""

    digest: Digest
    """The content digest of DESIGN "Index version": header, then each row."""
    passages: int = Field(ge=0)
    """Rows in the index."""
    documents: int = Field(ge=0)
    """Source documents that they come from."""
    space: Literal["l2"] = "l2"
    embedder: EmbedderIdentity
    chunking: str = ""
    """How documents were cut, for example `paragraphs/600`; empty for ready-made records."""
    parent: VersionId | None = None
    delta: DocumentDelta = DocumentDelta()
    chroma: str = ""
    """The chromadb version that wrote the directory."""
    built_at: Instant
    source: str = ""
    """The last part of the path it was read from."""
    files: tuple[SealedFile, ...] = ()
    what_changed: Prose = ""


class Rules(Strict):
    """What may go in, or out."""

    deny: tuple[str, ...] = Field(default=(), max_length=200)
    """Regular expressions; a hit refuses."""
    require: tuple[str, ...] = Field(default=(), max_length=200)
    """Regular expressions; a miss refuses."""
    max_characters: int | None = Field(default=None, ge=1)
    pii: tuple[Literal["email", "phone", "credit_card", "iban", "ip"], ...] = ()
    """Kinds of personal data that refuse."""


class Guardrail(Strict):
    """guardrails/<name>/<version>.toml"""

    input: Rules = Rules()
    output: Rules = Rules()
    refusal: Prose = "I cannot help with that."
    """What the user is told instead."""
    what_changed: Prose = ""


class CategoryPolicy(Strict):
    """One category of a suite."""

    name: str
    margin: float = Field(default=0.02, ge=0, le=1)
    """The regression that blocks, as a share: 0.02 is two points."""
    floor: float | None = Field(default=None, ge=0, le=1)
    """The mean score below which a release is blocked whatever the baseline does."""
    zero_tolerance: bool = False
    """True blocks on any failed case (harmful answers), after it was graded again."""


class LiveGraders(Strict):
    """How answers to real users are graded: entries as in a case's `expect`, checked by who reads suites."""

    graders: tuple[dict[str, Any], ...] = Field(default=(), max_length=50)
    """They need no expected answer. With `harmful = true` a miss calls the answer harmful."""
    confirm: tuple[dict[str, Any], ...] = Field(default=(), max_length=50)
    """Asked about an answer that was called harmful: a miss of any of them confirms it."""


JudgePin = Annotated[str, StringConstraints(pattern=r"^model/[a-z0-9][a-z0-9._-]{0,63}@v[1-9][0-9]{0,8}$")]
"""`model/name@vN`."""


class Canary(Strict):
    """An answer that is known to be bad, planted to see whether the judge notices."""

    question: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    rubric: Annotated[str, StringConstraints(min_length=1, max_length=10_000)]
    answer: Annotated[str, StringConstraints(max_length=10_000)]
    """It must be failed: no, or at most 2 of 5."""
    reference: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    """A right answer, for the judge to compare with."""


class JudgeInfo(Strict):
    """Who answers the grader `judge`."""

    model: JudgePin
    """A model version of this store; never the model of the release that is judged."""
    canaries: tuple[Canary, ...] = Field(default=(), max_length=50)
    """Planted besides the built-in ones: when one passes, the run is invalid."""


class SuiteInfo(Strict):
    """evals/<name>/<version>/suite.toml"""

    target: Literal["pipeline", "python", "http"] = "pipeline"
    """What answers: the release itself, a Python callable, or an HTTP endpoint of the application."""
    callable: str | None = None
    """For python: `package.module:function`, called with the case's input as a dict, returns text."""
    url: str | None = None
    """For http: POST {input, release} as JSON, reads {text, retrieved?}."""
    retrieve: int = Field(default=3, ge=0, le=100)
    """Passages given to the prompt."""
    categories: tuple[CategoryPolicy, ...] = Field(min_length=1, max_length=100)
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """One-sided error rate of the gate."""
    repeats: tuple[int, ...] = Field(default=(1, 3, 6, 10), min_length=1, max_length=10)
    """How often undecided categories are run, at most the last."""
    judge: JudgeInfo | None = None
    """The judge; there has to be one where a case uses the grader `judge`."""
    live: LiveGraders | None = None
    """How a sampled share of the answers to real users is graded."""
    what_changed: Prose = ""


class AppRevision(Strict):
    """apps/<name>/<version>.toml"""

    revision: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|sha256:[0-9a-f]{64})$")]
    """A git commit or an image digest, never a tag."""
    repository: str = ""
    what_changed: Prose = ""
