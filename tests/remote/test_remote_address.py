"""Addresses: what is hostile never reaches git, what is secret is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.operations.init import init
from store.errors import InputError
from store.git.remote import Remote
from store.git.remote_url import cleaned, masked, trouble
from store.settings import load_settings
from store.workspace import Workspace
from tests.remote.conftest import Pair
from tests.remote.hubs import again, git, hub_at


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example.org/acme/store.git",
        "ssh://git@git.example.org:2222/acme/store.git",
        "git@git.example.org:acme/store.git",
        "git.example.org:store",
        "[2001:db8::1]:store.git",
        "ssh://[2001:db8::1]/store.git",
        "git://127.0.0.1:9418/store.git",
        "file:///srv/store.git",
        "/srv/a folder/store.git",
    ],
)
def test_an_address_that_may_be_used(url: str) -> None:
    assert trouble(url) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ext::sh -c touch% /tmp/x", "helper"),
        ("fd::17", "helper"),
        ("::anything", "helper"),
        ("transport::https://host/x", "helper"),
        ("--upload-pack=touch /tmp/x", "dash"),
        ("ssh://-oProxyCommand=x/y", "dash"),
        ("ssh://git@-oProxyCommand=x/y", "dash"),
        ("-oProxyCommand=x:y", "dash"),
        ("git@-oProxyCommand=x:y", "dash"),
        ("ftp://host/x", "ftp"),
        ("file://host/x", "host"),
        ("https:///x", "no host"),
        ("hub.git", "neither"),
        ("../hub.git", "neither"),
        ("https://host/\nx", "control"),
        ("/srv/\x1b[2Jhub", "control"),
        ("/srv/\u202ehub", "invisible"),
        ("", "empty"),
        (" /srv/hub", "space"),
    ],
)
def test_a_hostile_or_malformed_address_is_refused_in_one_sentence(
    url: str, why: str, tmp_path: Path
) -> None:
    assert why in str(trouble(url))
    with pytest.raises(InputError) as refused:
        Remote(tmp_path, url)
    assert "\n" not in refused.value.message and "\x1b" not in refused.value.message


def test_settings_refuse_it_without_showing_it(tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('remote = "ext::sh -c secretword"\n')
    with pytest.raises(InputError, match=r"settings\.toml: remote: .*helper") as refused:
        load_settings(settings)
    assert "secretword" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ana:hunter2@host/x.git", "https://***@host/x.git"),
        ("https://ghp_token@host/x.git", "https://***@host/x.git"),
        ("https://ana:pa/ss@host/x.git", "https://***@host/x.git"),
        ("https://ana:p%40ss@host/x.git?token=abc", "https://***@host/x.git?***"),
        ("ssh://git@host/x.git", "ssh://git@host/x.git"),
        ("ssh://git:hunter2@host/x.git", "ssh://***@host/x.git"),
        ("git@host:x.git", "git@host:x.git"),
        ("/srv/x.git", "/srv/x.git"),
    ],
)
def test_what_is_secret_is_not_shown(url: str, shown: str) -> None:
    assert masked(url) == shown
    said = cleaned(f"fatal: unable to access '{url}/': no such user {url} at all", url)
    for secret in ("hunter2", "ghp_token", "pa/ss", "p%40ss", "abc"):
        assert secret not in said or secret not in url


def test_nothing_that_fails_shows_a_password_and_nothing_writes_one_down(pair: Pair) -> None:
    """The address of a port where nobody listens, with a password in it."""
    from console.operations import note
    from console.operations.apply import apply
    from console.operations.doctor import doctor
    from console.operations.status import status
    from console.operations.sync.sync import sync
    from store.history.newest import newest

    bo = again(pair.bo, "http://ana:hunter2@127.0.0.1:9/hub.git")
    with pytest.raises(Exception, match=r"http://\*\*\*@127\.0\.0\.1:9") as failed:
        sync(bo)
    record = newest(bo.store, 1)[0].id
    applied = apply(bo, note.plan(bo, record, "a remark"))
    told = [str(failed.value), *applied.problems, str(status(bo).as_json()), str(doctor(bo))]
    assert all("hunter2" not in text for text in told) and "not pushed yet" in applied.problems[0]
    holds_it = [
        path.name for path in bo.root.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()
    ]
    assert holds_it == ["settings.toml"]


def test_git_is_called_with_no_way_to_ask_or_to_run_helpers(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    from console.operations.sync.sync import sync

    seen: list[tuple[list[str], dict[str, object]]] = []
    real = subprocess.Popen

    class Watched(real):  # type: ignore[type-arg,misc]
        def __init__(self, arguments: list[str], **more: object) -> None:
            seen.append((arguments, more))
            super().__init__(arguments, **more)

    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_SSH_COMMAND", "ssh -i key")
    monkeypatch.setattr(subprocess, "Popen", Watched)
    sync(pair.bo)
    arguments, more = seen[0]
    environment = more["env"]
    assert isinstance(environment, dict)
    assert more["start_new_session"] is True and more["stdin"] == subprocess.DEVNULL
    assert environment["GIT_TERMINAL_PROMPT"] == "0" and environment["LC_ALL"] == "C"
    assert "GIT_DIR" not in environment and environment["GIT_SSH_COMMAND"] == "ssh -i key"
    assert "protocol.ext.allow=never" in arguments and "transfer.fsckObjects=true" in arguments
    assert arguments[arguments.index("--") + 1] == str(pair.hub)


def test_init_refuses_what_is_no_address_and_leaves_nothing(tmp_path: Path) -> None:
    for url in ("ext::sh", "-x", "nowhere"):
        with pytest.raises(InputError, match="address"):
            init(tmp_path / "acme", remote=url)
        assert not (tmp_path / "acme").exists()


def test_init_refuses_a_remote_that_holds_something_else(tmp_path: Path) -> None:
    hub = hub_at(tmp_path / "hub.git")
    tree = git(hub, "hash-object", "-t", "tree", "-w", "/dev/null")
    environment = ["-c", "user.name=x", "-c", "user.email=x@x"]
    commit = git(hub, *environment, "commit-tree", tree, "-m", "something else")
    git(hub, "update-ref", "refs/heads/topic", commit)
    with pytest.raises(InputError, match="not empty and has no branch main"):
        init(tmp_path / "acme", remote=str(hub))
    git(hub, "update-ref", "refs/heads/main", commit)
    with pytest.raises(InputError, match="holds no Lockgate store"):
        init(tmp_path / "acme", remote=str(hub))
    assert not (tmp_path / "acme").exists()
    assert git(hub, "rev-parse", "main") == commit


def test_init_gives_an_empty_remote_the_store_and_clones_one_that_has_it(pair: Pair) -> None:
    tip = pair.ana.store.tip()
    assert git(pair.hub, "rev-parse", "main") == tip == pair.bo.store.tip()
    assert load_settings(pair.bo.root / "settings.toml").remote == str(pair.hub)
    assert Workspace.find(pair.bo.root).store.at().policy == pair.ana.store.at().policy
    assert (pair.bo.root / "settings.toml").stat().st_mode & 0o077 == 0


def test_init_with_a_remote_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    from store.errors import MachineryError

    with pytest.raises(MachineryError, match="cannot be used"):
        init(tmp_path / "acme", remote=str(tmp_path / "nothing.git"))
    assert not (tmp_path / "acme").exists()
