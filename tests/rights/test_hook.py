"""hooks/pre-receive of a shared bare repository: real pushes by git, whatever made the commits."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.operations import promote, rollback
from console.operations.hook.install import install
from console.operations.hook.receive import asked, refused
from store.bounded import write_toml
from store.errors import InputError
from store.records.policy import ApprovalPolicy
from tests.commands.conftest import Lockgate
from tests.remote.hubs import git, hub_at
from tests.rights.forging import forge
from tests.rights.team import Team, policy, team
from tests.rights.test_rights import MAY, ROLES
from tests.signing.keyring import key, wants_ssh_keygen

pytestmark = wants_ssh_keygen


@dataclass
class Hub:
    """A team and the bare repository that it pushes to."""

    team: Team
    path: Path

    @property
    def main(self) -> str:
        return git(self.path, "rev-parse", "main")

    def push(self, *more: str, ref: str = "main") -> str:
        """What git says to a push that is refused; empty where it lands."""
        words = ["git", f"--git-dir={self.team.root / 'store.git'}", "push", "-q", *more, str(self.path), ref]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
        return "" if done.returncode == 0 else done.stderr


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """All that is there was pushed through the hook."""
    path = hub_at(tmp_path / "hub.git")
    found = Hub(team(tmp_path, policy(ApprovalPolicy(), may=MAY, roles=ROLES)), path)
    install(path, found.team.signers)
    assert found.push() == ""
    return found


def test_operations_of_those_who_may_land(hub: Hub) -> None:
    acme = hub.team
    from console.operations.approval import give

    acme.do("bo", give.plan(acme.as_("bo"), "r2", "production"))
    acme.do("ana", promote.plan(acme.as_("ana"), "r2", "production"))
    acme.do("cy", rollback.plan(acme.as_("cy"), "production"), "vague")
    assert hub.push() == "" and hub.main == acme.as_("ana").store.tip()


@pytest.mark.parametrize(
    ("by", "email", "says"),
    [
        (None, "ana@example.org", "unsigned"),
        ("eve", "eve@example.org", "not allowed"),
        ("bo", "ana@example.org", "other committer"),
    ],
)
def test_a_commit_of_nobody_who_may_is_refused(hub: Hub, by: str | None, email: str, says: str) -> None:
    here, before = hub.team.as_("ana"), hub.main
    forge(here, {"README.md": b"hello\n"}, by=key(by) if by else None, email=email)
    said = hub.push()
    assert says in said and "pre-receive hook declined" in said and hub.main == before


def test_a_pointer_moved_by_hand_is_refused(hub: Hub) -> None:
    here, before = hub.team.as_("ana"), hub.main
    pointer = here.store.at().environment("production")
    moved = pointer.model_copy(update={"stable": "r2", "generation": pointer.generation + 1})
    forge(here, {"environments/production.toml": write_toml(moved)}, by=key("ana"))
    assert "no record" in hub.push() and hub.main == before


def test_who_may_not_is_refused_whatever_their_client_says(hub: Hub) -> None:
    """Bo's Lockgate believes a policy that gives him everything: only his copy of lockgate.toml does."""
    here, before = hub.team.as_("bo"), hub.main
    forge(here, {"lockgate.toml": write_toml(policy())}, by=key("bo"), email="bo@example.org")
    said = hub.push()
    assert "bo@example.org has no right to policy" in said and hub.main == before


def test_a_promotion_without_its_approval_is_refused(hub: Hub) -> None:
    """Ana's machine takes names for signatures; the hook does not."""
    acme, before = hub.team, hub.main
    here = acme.as_("ana")
    plan = promote.plan(here, "r2", "production")
    from dataclasses import replace

    from console.operations.apply import apply

    forced = replace(plan, checks=(), remake=None)
    apply(here, forced, "hurry")
    assert "approval missing" in hub.push() and hub.main == before


def test_history_is_not_rewritten_and_main_not_taken_away(hub: Hub) -> None:
    acme, before = hub.team, hub.main
    here = acme.as_("ana")
    older = str(here.store.commit(here.store.tip()).parent_ids[0])
    here.store.repo.references.create("refs/heads/main", older, force=True)
    forge(here, {"README.md": b"hello\n"}, by=key("ana"))
    assert "history is not rewritten here" in hub.push("--force") and hub.main == before
    assert "main cannot be taken away" in hub.push(ref=":main") and hub.main == before


def test_other_branches_are_free(hub: Hub) -> None:
    here, before = hub.team.as_("bo"), hub.main
    forge(here, {"prompts/support/v3/system.md": b"hello\n"})
    assert hub.push(ref="main:refs/heads/idea") == "" and hub.main == before


def test_a_change_of_what_landed_is_refused(hub: Hub) -> None:
    here, before = hub.team.as_("ana"), hub.main
    forge(here, {"prompts/support/v1/system.md": b"Say what you like.\n"}, by=key("ana"))
    assert "rewritten file" in hub.push() and hub.main == before


def test_a_version_from_a_branch_lands(hub: Hub) -> None:
    here = hub.team.as_("bo")
    forge(here, {"prompts/support/v3/system.md": b"hello\n"}, by=key("bo"), email="bo@example.org")
    assert hub.push() == "" and hub.main == here.store.tip()


def test_installing(tmp_path: Path, lockgate: Lockgate) -> None:
    path, signers = hub_at(tmp_path / "hub.git"), tmp_path / "signers"
    signers.write_text(key("ana").allowed("ana@example.org"))
    signers.chmod(0o600)
    words = ("hook", "install", path, "--allowed-signers", signers)
    first = lockgate(*words, "--json")
    hook = path / "hooks/pre-receive"
    assert first.code == 0 and first.data["hook"] == str(hook) and hook.stat().st_mode & 0o100
    assert lockgate(*words).code == 0
    hook.write_text("#!/bin/sh\nexit 0\n")
    other = lockgate(*words)
    assert other.code == 2 and "is somebody else's" in other.err and hook.read_text().endswith("exit 0\n")
    nowhere = lockgate("hook", "install", tmp_path, "--allowed-signers", signers)
    assert nowhere.code == 2 and "is no bare git repository" in nowhere.err


def test_what_git_would_not_say(hub: Hub) -> None:
    from store.signing.settled import signers_in

    with pytest.raises(InputError, match="is no line of a push"):
        asked(["rm -rf /"])
    absent = asked([f"{hub.main} {'1' * 40} refs/heads/main"])
    (reason,) = refused(hub.path, absent, signers_in(hub.team.signers), {})
    assert "1111111111" in reason
