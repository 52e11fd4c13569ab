"""Runs every benchmark and prints one table: `python -m benchmarks [--json] [NAME …]`."""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

NAMES = (
    "resolve",
    "apply_to_visible",
    "eval_overhead",
    "index",
    "archives",
    "history",
    "console_start",
    "tick",
    "taken_back",
    "rollback_outages",
    "observations",
)
BY_NAME = ("eval_peers", "index_large")
"""Only run when named: they install other tools, or take many minutes."""


def main(arguments: list[str]) -> int:
    """Prints a row a measurement: ours, the floor or peer, their ratio, the aim."""
    chosen = [one for one in arguments if not one.startswith("-")] or list(NAMES)
    unknown = [one for one in chosen if one not in (*NAMES, *BY_NAME)]
    if unknown:
        print(
            f"benchmarks: there is no {', '.join(unknown)}; there are {', '.join((*NAMES, *BY_NAME))}.",
            file=sys.stderr,
        )
        return 2
    rows: list[dict[str, Any]] = []
    for name in chosen:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = importlib.import_module(f"benchmarks.{name}").run()
        rows += found if isinstance(found, list) else [found]
    if "--json" in arguments:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return 0
    print("| what | ours | floor or peer | ratio | aim |\n|---|---|---|---|---|")
    for row in rows:
        peer = f" ({row['peer']})" if row.get("peer") else ""
        aim = row.get("aim") or "—"
        unit = row["unit"]
        cells = (row["name"], f"{row['ours']} {unit}", f"{row['floor']} {unit}{peer}", row["ratio"], aim)
        print(f"| {' | '.join(map(str, cells))} |")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
