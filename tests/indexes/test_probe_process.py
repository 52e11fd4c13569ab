"""The process that probes a copy: a long request reaches it whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexes.probe import Prober
from indexes.probes import Probe
from store.errors import MachineryError

PROBE = Probe(id="a", text="long", vector="A" * 12_000, nearest=("a",), distances=(0.0,))


def test_a_request_longer_than_a_pipe_holds_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process imports Chroma before it reads, so the pipe is full when the sender first looks up."""
    monkeypatch.setattr("indexes.probe._PATIENCE_SECONDS", 60.0)
    probes = [PROBE] * 50
    with Prober() as prober, pytest.raises(MachineryError) as refused:
        prober.probe(tmp_path / "nothing", "pages", "sha256:" + "0" * 64, 1, probes)
    assert "did not answer" not in refused.value.message
