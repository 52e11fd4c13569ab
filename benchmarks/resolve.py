"""How long one `resolve` takes at a 5 % canary, against a dict and a sha256, in the same run.

`python -m benchmarks.resolve [--json]`
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any

from lockgate_client import Client
from store.live import Arm, LiveDocument, ModelPart, PromptPart, publish

SALT = "production/r42"
DIGEST = "sha256:" + "0" * 64
UNITS = [f"user-{number}" for number in range(1000)]
ROUNDS = 300
AIM_NS = 1000


def run() -> dict[str, object]:
    """Medians over rounds of a thousand users each, in nanoseconds a call; both sides take turns."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "production.json"
        publish(path, _document())
        ours, floor = _take_turns(Client(path).resolve, _floor())
    return {
        "name": "resolve, 5 % canary",
        "ours": round(ours),
        "floor": round(floor),
        "unit": "ns",
        "ratio": round(ours / floor, 2),
        "aim": f"at most {AIM_NS} ns",
    }


def _take_turns(ours: Callable[[str], object], floor: Callable[[str], object]) -> tuple[float, float]:
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for call, times in zip((ours, floor), taken, strict=True):
            start = time.perf_counter_ns()
            for unit in UNITS:
                call(unit)
            times.append((time.perf_counter_ns() - start) / len(UNITS))
    return median(taken[0]), median(taken[1])


def _floor() -> Callable[[str], object]:
    """The least that can answer the question by hand: a dict, a hash, a comparison."""
    table: dict[str, dict[str, Any]] = {
        "production": {"salt": b"lockgate/1\0" + SALT.encode() + b"\0", "canary": "r2", "stable": "r1"},
    }

    def floor(unit: str) -> object:
        served = table["production"]
        digest = sha256(served["salt"] + unit.encode()).digest()
        bucket = int.from_bytes(digest[:4], "big") * 100_000 >> 32
        return served["canary"] if bucket < 5000 else served["stable"]

    return floor


def _document() -> LiveDocument:
    return LiveDocument(
        environment="production",
        generation=1,
        commit="0" * 40,
        rendered_at=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(9999, 1, 1, tzinfo=UTC),
        stable=_arm("r1"),
        canary=_arm("r2"),
        percent=5.0,
        salt=SALT,
    )


def _arm(release: str) -> Arm:
    return Arm(
        release=release,
        digest=DIGEST,
        components={
            "prompt/support": PromptPart(version="v1", digest=DIGEST, system="Answer briefly. " * 100),
            "model/chat": ModelPart(version="v1", digest=DIGEST, provider="gguf", id="chat"),
        },
    )


def main() -> None:
    """Prints the figures, as one JSON document with --json."""
    found = run()
    if "--json" in sys.argv[1:]:
        print(json.dumps(found))
    else:
        print(
            f"{found['name']}: {found['ours']} {found['unit']} "
            f"(dict + sha256 {found['floor']} {found['unit']}, ratio {found['ratio']}; {found['aim']})"
        )


if __name__ == "__main__":
    main()
