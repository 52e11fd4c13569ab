"""Probes asked in this process: starting Chroma anew for each would take most of the tests' time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from indexes import probe
from indexes.probes import Probe, ProbeAnswer, ProbeResult
from store.errors import MachineryError
from store.progress import Stop, never
from store.text import one_line


class HereProber:
    """Stands in for indexes.probe.Prober where no damaged files are looked at."""

    def __enter__(self) -> HereProber:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is running."""

    def probe(
        self,
        path: Path,
        collection: str,
        digest: str,
        passages: int,
        probes: Sequence[Probe],
        stop: Stop = never,  # noqa: ARG002
    ) -> ProbeResult:
        """What the copy answers."""
        asked = [one.model_dump(mode="json") for one in probes]
        request = {
            "path": path,
            "collection": collection,
            "digest": digest,
            "passages": passages,
            "probes": asked,
        }
        try:
            answer: dict[str, Any] = probe._answer(request)
        except Exception as error:
            answer = {"ok": False, "error": one_line(str(error))}
        if not answer["ok"]:
            raise MachineryError(f"{path} failed its probes: {answer['error']}; it is not used.")
        result = answer["result"]
        return ProbeResult(**{**result, "answers": tuple(ProbeAnswer(**one) for one in result["answers"])})
