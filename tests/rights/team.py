"""A store that three people share, each with a key: Ana makes releases, Bo approves, Cy is on call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from console.operations.apply import Applied, apply_again
from console.operations.plan import Plan
from store.clock import Clock, FixedClock
from store.records.policy import ApprovalPolicy, EnvironmentPolicy, GatePolicy, Policy
from store.records.rights import May
from store.workspace import Workspace
from tests.signing.keyring import key
from tests.support.workspaces import NOON, add_basics, add_prompt, made, promote_to, stage_all

NAMES = ("ana", "bo", "cy")
BASICS = ("prompt/support@v1", "model/chat@v1", "guardrail/default@v1", "app/api@v1")


def policy(
    approvals: ApprovalPolicy | None = None,
    may: May | None = None,
    roles: dict[str, tuple[str, ...]] | None = None,
    **production: object,
) -> Policy:
    """Two environments without a gate."""
    gate = GatePolicy(required=False)
    last = EnvironmentPolicy(
        name="production", gate=gate, note_required=True, production=True, approvals=approvals, **production
    )
    return Policy(environments=(EnvironmentPolicy(name="staging", gate=gate), last), may=may, roles=roles)


@dataclass
class Team:
    """One workspace; `as_` is it on somebody's own machine."""

    root: Path
    signers: Path
    clock: Clock

    def as_(self, name: str, *, signs: bool = True) -> Workspace:
        """The workspace with the settings of `name`."""
        lines = [
            f'author = {{name = "{name.capitalize()}", email = "{name}@example.org"}}',
            f'allowed_signers = "{self.signers}"',
            *([f'signing_key = "{key(name).path}"'] if signs else []),
        ]
        (self.root / "settings.toml").write_text("\n".join(lines) + "\n")
        return Workspace(self.root, self.clock)

    def do(self, name: str, plan: Plan, why: str = "because") -> Applied:
        """Applies what was planned by `name`."""
        return apply_again(self.as_(name), plan, why)


def team(path: Path, rules: Policy) -> Team:
    """r1 serves production, r2 with another prompt is staged; Ana made both, before `rules` were in force."""
    path.mkdir(parents=True, exist_ok=True)
    signers = path / "allowed_signers"
    signers.write_text("".join(key(one).allowed(f"{one}@example.org") for one in NAMES))
    signers.chmod(0o600)
    root = path / "acme"
    root.mkdir()
    found = Team(root, signers, FixedClock(NOON))
    found.as_("ana")
    made(root, policy())
    here = found.as_("ana")
    add_basics(here, path / "scratch")
    promote_to(here, stage_all(here, *BASICS))
    add_prompt(here, path / "scratch/p2", "Answer at length.\n\n{{context}}\n", what="longer")
    stage_all(here, "prompt/support@v2")
    from console.operations.policy import plan as policy_plan

    if rules != here.store.at().policy:
        found.do("ana", policy_plan(here, rules))
    return found
