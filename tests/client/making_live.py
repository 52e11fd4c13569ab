"""Live documents for the tests of the client and of store/live.py."""

from __future__ import annotations

from datetime import UTC, datetime

from store.live import (
    AppPart,
    Arm,
    EvalsPart,
    Example,
    GuardrailPart,
    IndexPart,
    LiveDocument,
    ModelPart,
    PromptPart,
)
from store.records.versions import EmbedderIdentity, Rules, Variable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32


def arm(release: str, system: str = "Answer from the passages.") -> Arm:
    """An arm with one component of each kind; `system` tells two releases apart."""
    return Arm(
        release=release,
        digest=DIGEST,
        components={
            "app/api": AppPart(version="v1", digest=DIGEST, revision="0" * 40, repository="acme/api"),
            "prompt/support": PromptPart(
                version="v2",
                digest=DIGEST,
                system=system,
                few_shot=(Example(user="Où ?", assistant="Là-bas 🦊"),),
                variables=(Variable(name="tone", required=False, default="warm"),),
            ),
            "model/chat": ModelPart(
                version="v1", digest=DIGEST, provider="gguf", id="x", parameters={"temperature": 0.0, "n": 1}
            ),
            "index/handbook": IndexPart(
                version="v3",
                digest=DIGEST,
                content_digest=DIGEST,
                path="/srv/acme/copy",
                collection="handbook",
                embedder=EmbedderIdentity(name="lexical", dimension=64),
                passages=12,
            ),
            "guardrail/default": GuardrailPart(
                version="v1", digest=DIGEST, input=Rules(deny=("(?i)password",)), refusal="No."
            ),
            "evals/support": EvalsPart(version="v1", digest=DIGEST),
        },
    )


def document(
    generation: int = 1,
    *,
    percent: float | None = None,
    valid_until: datetime | None = None,
    environment: str = "production",
    stable: str = "r1",
    canary: str = "r2",
    salt: str = "production/r42",
    system: str = "Answer from the passages.",
) -> LiveDocument:
    """A document; with a `percent` it has a canary."""
    return LiveDocument(
        environment=environment,
        generation=generation,
        commit="c" * 40,
        rendered_at=NOW,
        valid_until=valid_until,
        stable=arm(stable, system),
        canary=None if percent is None else arm(canary, system),
        percent=percent or 0.0,
        salt="" if percent is None else salt,
    )
