"""The doctor says when what a machine signs would count for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations.doctor import doctor
from store.workspace import Workspace
from tests.rights.team import Team, policy, team
from tests.signing.keyring import key, wants_ssh_keygen

pytestmark = wants_ssh_keygen


@pytest.fixture
def acme(tmp_path: Path) -> Team:
    return team(tmp_path, policy())


def said(here: Workspace) -> tuple[bool, str]:
    ((ok, text),) = [(one.ok, one.text) for one in doctor(here) if one.what == "signing"]
    return ok, text


def test_a_key_of_who_acts_here_is_well(acme: Team) -> None:
    assert said(acme.as_("bo")) == (True, "what is done here is signed, and counts")


def test_somebody_elses_key_is_told_with_both_names(acme: Team) -> None:
    here = acme.as_("bo")
    settings = here.root / "settings.toml"
    settings.write_text(settings.read_text().replace(str(key("bo").path), str(key("cy").path)))
    ok, text = said(Workspace(here.root, acme.clock))
    assert not ok and "that of cy@example.org" in text and "who acts here is bo@example.org" in text


def test_a_key_that_nobody_allows_is_told(acme: Team) -> None:
    acme.signers.write_text(key("ana").allowed("ana@example.org"))
    ok, text = said(acme.as_("bo"))
    assert not ok and "is not allowed by the signers' file" in text and "bo@example.org" in text


def test_a_key_that_is_away_is_told(acme: Team) -> None:
    here = acme.as_("bo")
    settings = here.root / "settings.toml"
    settings.write_text(settings.read_text().replace(str(key("bo").path), "/nowhere/id"))
    ok, text = said(Workspace(here.root, acme.clock))
    assert not ok and "/nowhere/id" in text


def test_without_a_key_nothing_is_said(acme: Team) -> None:
    assert not [one for one in doctor(acme.as_("bo", signs=False)) if one.what == "signing"]
