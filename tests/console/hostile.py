"""A workspace whose every word tries to act, to hide, or to push what is beside it off the screen."""

from __future__ import annotations

import re
from pathlib import Path

from console.operations import note, promote, rollback, stage
from console.operations.add import evals, guardrail, prompt
from store.records.base import Person
from store.records.policy import EnvironmentPolicy, GatePolicy, Policy
from store.settings import Settings
from tests.console.seeded import Journey, judged, seeding, suite_folder

NASTY = (
    "[/red] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \x1b[2J \x9b31m \u202eevil\u202c "
    "\u200bzero 漢字かな 👩‍👩‍👧 🇩🇪 שלום مرحبا Z\u0337\u031ba\u0336l\u0335\u0361go $x {y}"
)
LONG = "10 kB " + "ab [b] " * 1500
PAGES = " ".join(f"word{number} [b] number{number}" for number in range(500))
"""Long too, but no two passages of it are the same: equal ones come back in either order."""
WIDE = "漢字かな交じり文の長い説明です" * 6
LONG_NAME = "a-prompt-whose-name-is-as-long-as-names-may-be-and-then-no-more"
FIRST = "staging-in-a-region-with-a-long-name"
ACTING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
"""What must never reach a terminal in text."""
POLICY = Policy(
    environments=(
        EnvironmentPolicy(name=FIRST, gate=GatePolicy(tier="smoke")),
        EnvironmentPolicy(
            name="production", gate=GatePolicy(tier="smoke"), note_required=True, production=True
        ),
    )
)


def seed_hostile(root: Path, scratch: Path) -> None:
    """Two releases, the second rolled back, everything about them nasty."""
    with seeding():
        _seed(root, scratch)


def _seed(root: Path, scratch: Path) -> None:
    journey = Journey(root, scratch, POLICY)
    workspace = journey.workspace
    mallory = Person(name="[/red]mal\u202elory 漢字", email="m@example.org")
    workspace.__dict__["settings"] = Settings(author=mallory, embedder="lexical")
    workspace.__dict__["person"] = mallory
    journey.prompt(f"{NASTY}\n{LONG}\n", NASTY)
    long = scratch / "long"
    long.mkdir()
    (long / "system.md").write_text("Answer briefly.\n")
    journey.do(prompt.plan(workspace, LONG_NAME, long, what=WIDE))
    journey.model("gpt-4o-2024-05-13", NASTY)
    rules = scratch / "rules.toml"
    rules.write_text('refusal = "[/red] no"\n[input]\ndeny = ["pass[a-z]+word"]\n')
    journey.do(guardrail.plan(workspace, "default", rules, what=WIDE))
    journey.do(evals.plan(workspace, "support", suite_folder(scratch), what=NASTY))
    journey.index({"[@click=app.quit]x 漢字.md": f"# {NASTY}\n\n{PAGES}\n"}, NASTY)
    journey.wait(days=1)
    journey.index({"second [b].md": f"# two\n\n{NASTY}\n"}, LONG, parent="v1")
    everything = (
        "prompt/support", f"prompt/{LONG_NAME}", "model/chat", "guardrail/default", "evals/support",
        "index/handbook=v1",
    )  # fmt: skip
    journey.stage(*everything, why=NASTY)
    journey.do(promote.plan(workspace, "r1", "production", override=NASTY), LONG)
    journey.wait(days=2)
    journey.prompt(f"{NASTY} other\n{LONG}\n", NASTY)
    composition = stage.compose(workspace, ("prompt/support", "index/handbook=v2"))
    blocked = judged(workspace, composition, "block", NASTY)
    journey.do(stage.plan(workspace, composition, blocked, override=NASTY), LONG)
    done = journey.do(promote.plan(workspace, "r2", "production", override=NASTY), NASTY)
    journey.do(note.plan(workspace, done.record.id, NASTY))
    journey.wait(hours=3)
    journey.do(rollback.plan(workspace, "production"), NASTY)
