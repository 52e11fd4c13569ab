"""state/noise/<arm>.json: how much a release's scores vary when nothing changes, by category.

The repeats of a run are its A/A run: the same release, asked the same again. What they showed is
kept with the release, so that the next comparison with it begins with what is known.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from store.bounded import read_json
from store.canonical import canonical_json, sha256_hex
from store.errors import InputError
from store.records.base import Strict

KEPT = 400
"""Files; the oldest beyond are removed."""


class Noise(Strict):
    """The noise floor of one category."""

    cases: int = Field(ge=1)
    repeats: int = Field(ge=1)
    spread: float = Field(ge=0, le=1)
    """The standard deviation of the category's mean from one run to the next: sqrt(Σ s²)/n."""
    answers: Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")] = ""
    """Over cases and answers where every repeat was answered word for word the same; else empty.

    It holds for those answers only: an endpoint that now answers differently has to be measured anew.
    """

    @property
    def is_none(self) -> bool:
        """Whether nothing varied at all."""
        return self.answers != ""


class _File(Strict):
    format: Literal["lockgate.noise/1"] = "lockgate.noise/1"
    categories: dict[str, Noise] = Field(default={}, max_length=10_000)


def arm_key(release_digest: str, identity: str, suite_digest: str, graders_digest: str) -> str:
    """64 hex digits over all that a noise floor depends on: what answers, what is asked, who grades."""
    return sha256_hex(canonical_json([release_digest, identity, suite_digest, graders_digest]))


def spread(variances: Sequence[float]) -> float:
    """sqrt(Σ s²)/n, for the sample variances of n cases."""
    return min(1.0, math.sqrt(math.fsum(variances)) / len(variances)) if variances else 0.0


class NoiseFloors:
    """The noise floors of one workspace. What cannot be read or kept is as if it was never measured."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def of(self, key: str) -> dict[str, Noise]:
        """By category: what was measured of the arm `key`."""
        try:
            return dict(read_json(_File, self._path(key).read_bytes(), "the noise floor").categories)
        except (OSError, InputError):
            return {}

    def keep(self, key: str, measured: Mapping[str, Noise]) -> None:
        """Keeps `measured`; categories that were not measured now keep what they had."""
        if not measured:
            return
        data = _File(categories={**self.of(key), **measured}).model_dump_json().encode()
        path = self._path(key)
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(data)
            draft.replace(path)
            self._prune()
        except OSError:
            with suppress(OSError):
                draft.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"

    def _prune(self) -> None:
        found = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
        for path in found[KEPT:]:
            path.unlink(missing_ok=True)
