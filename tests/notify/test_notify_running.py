"""A workspace's notifications: new records are taken in once, commands show and retry."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from console.commands.notify import notify_command
from console.notify import running
from store.bounded import read_toml
from store.errors import InputError, LockgateError
from store.settings import Settings
from store.workspace import Workspace
from tests.notify.receiver import Receiver
from tests.support.workspaces import NOON, add_prompt, made

SECRET = "a-signing-secret-that-nobody-may-see"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running_:
        yield running_


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def told(tmp_path: Path, receiver: Receiver, events: str = '["*"]', more: str = "") -> Workspace:
    """A workspace that tells `receiver`."""
    workspace = made(tmp_path / "acme")
    (tmp_path / "acme" / "settings.toml").write_text(
        f'allowed_hosts = ["{receiver.host}"]\n'
        'author = {name = "Ada", email = "ada@example.com"}\n'
        f'[[notify]]\nname = "hook"\nkind = "webhook"\nurl = "{receiver.url}"\n'
        f'events = {events}\nsecret_env = "HOOK_SECRET"\n{more}'
    )
    return Workspace(workspace.root, workspace.clock)


def kinds(receiver: Receiver) -> list[str]:
    return [json.loads(got.body)["kind"] for got in receiver.got]


def test_what_was_done_before_is_no_news_and_what_follows_is_told_once(
    tmp_path: Path, receiver: Receiver
) -> None:
    workspace = told(tmp_path, receiver)
    add_prompt(workspace, tmp_path / "p", "Be brief.\n", what="before")
    assert running.keep_up(workspace, NOON) == ()
    add_prompt(workspace, tmp_path / "p", "Be briefer.\n", what="first")
    add_prompt(workspace, tmp_path / "p", "Be briefest.\n", what="second")
    assert len(running.keep_up(workspace, NOON)) == 2
    assert running.keep_up(workspace, NOON) == ()
    assert kinds(receiver) == ["add", "add"]
    summaries = [json.loads(got.body)["summary"] for got in receiver.got]
    assert summaries == [entry.summary for entry in _history(workspace)[-2:]]


def _history(workspace: Workspace) -> list[Any]:
    from store.history.newest import newest

    return list(newest(workspace.store, 10))[::-1]


def test_only_the_kinds_that_are_asked_for(tmp_path: Path, receiver: Receiver) -> None:
    workspace = told(tmp_path, receiver, events='["promote", "rollback"]')
    running.keep_up(workspace, NOON)
    add_prompt(workspace, tmp_path / "p", "Be brief.\n", what="first")
    assert running.keep_up(workspace, NOON) == ()
    assert receiver.got == []


def test_a_history_that_was_replaced_tells_nothing_twice(tmp_path: Path, receiver: Receiver) -> None:
    workspace = told(tmp_path, receiver)
    running.keep_up(workspace, NOON)
    add_prompt(workspace, tmp_path / "p", "Be brief.\n", what="first")
    running.keep_up(workspace, NOON)
    with running.opened(workspace) as outbox:
        outbox.enqueue((), NOON, "0" * 40)  # the commit that was read last is nowhere any more
        assert running.take_in(workspace, outbox, NOON) == 1, "what was made in the second it began"
        assert running.take_in(workspace, outbox, NOON) == 0
    add_prompt(workspace, tmp_path / "p", "Be briefer.\n", what="second")
    running.keep_up(workspace, NOON)
    assert len(receiver.got) == len({got.headers["idempotency-key"] for got in receiver.got})


def test_without_targets_nothing_is_made(tmp_path: Path) -> None:
    workspace = made(tmp_path / "acme")
    assert running.keep_up(workspace, NOON) == ()
    assert running.look(workspace) == running.Look((), (), ())
    assert not (workspace.root / "state" / "outbox.sqlite").exists()


class Ran:
    """One command line of the family."""

    def __init__(self, workspace: Workspace, capsys: pytest.CaptureFixture[str], *arguments: str) -> None:
        capsys.readouterr()
        self.code = notify_command.main(list(arguments), obj=workspace.root, standalone_mode=False)
        self.out = capsys.readouterr().out


@pytest.fixture
def dead(tmp_path: Path, receiver: Receiver) -> Workspace:
    """A workspace with one letter that was given up, and a receiver that is well again."""
    workspace = told(tmp_path, receiver)
    receiver.answer = lambda got: (410, {}, b"not that")  # noqa: ARG005
    running.keep_up(workspace, NOON)
    add_prompt(workspace, tmp_path / "p", "Be brief.\n", what="first")
    running.keep_up(workspace, NOON)
    receiver.answer = lambda got: (204, {}, b"")  # noqa: ARG005
    return workspace


def test_list_shows_targets_and_dead_letters(dead: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    ran = Ran(dead, capsys, "list")
    assert ran.code == 0
    assert "Dead letters" in ran.out and "answered 410: not that" in ran.out
    assert "127.0.0.1" in ran.out and "T0SECRETPATH" not in ran.out
    data = json.loads(Ran(dead, capsys, "list", "--json").out)
    assert data["targets"][0]["dead"] == 1
    assert data["dead"][0]["tries"] == 1
    assert "T0SECRETPATH" not in json.dumps(data) and SECRET not in json.dumps(data)


def test_retry_delivers_what_was_dead(
    dead: Workspace, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(receiver.got)
    assert "1 to try again" in Ran(dead, capsys, "retry", "--dry-run").out
    assert len(receiver.got) == before
    id = running.look(dead).dead[0].event_id
    with pytest.raises(InputError, match="no dead letter"):
        Ran(dead, capsys, "retry", "01ARZ3NDEKTSV4RRFFQ69G5FAV")
    with pytest.raises(InputError, match="names no notify target 'other'"):
        Ran(dead, capsys, "retry", "--target", "other")
    data = json.loads(Ran(dead, capsys, "retry", id, "--json").out)
    assert (data["revived"], [one["state"] for one in data["deliveries"]]) == (1, ["delivered"])
    assert len(receiver.got) == before + 1
    assert "no dead letters" in Ran(dead, capsys, "retry").out


def test_retry_of_one_that_fails_again_is_exit_4(
    dead: Workspace, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.answer = lambda got: (410, {}, b"")  # noqa: ARG005
    assert Ran(dead, capsys, "retry").code == 4


def test_test_sends_at_once_and_past_the_outbox(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = told(tmp_path, receiver, events='["rollback"]')
    assert "would be sent" in Ran(workspace, capsys, "test", "hook", "--dry-run").out
    assert receiver.got == []
    assert Ran(workspace, capsys, "test", "hook").code == 0
    assert kinds(receiver) == ["test"]
    receiver.answer = lambda got: (500, {}, b"ill")  # noqa: ARG005
    ran = Ran(workspace, capsys, "test", "hook", "--json")
    assert (ran.code, json.loads(ran.out)["delivered"]) == (4, False)
    with pytest.raises(InputError, match=r"there are: hook"):
        Ran(workspace, capsys, "test", "hok")
    assert running.look(workspace).dead == ()


def test_a_command_is_told_too(tmp_path: Path, receiver: Receiver) -> None:
    script = "import sys; open('told.json', 'w').write(sys.stdin.read())"
    argv = json.dumps([sys.executable, "-c", script])
    more = f'[[notify]]\nname = "page"\nkind = "command"\nevents = ["add"]\nargv = {argv}\n'
    workspace = told(tmp_path, receiver, events='["rollback"]', more=more)
    running.keep_up(workspace, NOON)
    add_prompt(workspace, tmp_path / "p", "Be brief.\n", what="first")
    assert [(one.target, one.state) for one in running.keep_up(workspace, NOON)] == [("page", "delivered")]
    assert json.loads((workspace.root / "told.json").read_text())["kind"] == "add"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "a"\nkind = "webhook"\nevents = ["*"]', "wants a url"),
        ('name = "a"\nkind = "webhook"\nevents = ["*"]\nurl = "x"\nargv = ["y"]', "takes no argv"),
        ('name = "a"\nkind = "command"\nevents = ["*"]', "wants argv"),
        ('name = "a"\nkind = "command"\nevents = ["*"]\nargv = [""]', "wants argv"),
        ('name = "a"\nkind = "command"\nevents = ["*"]\nargv = ["x"]\nsecret_env = "S"', "neither url nor"),
        ('name = "a"\nkind = "command"\nevents = ["*"]\nargv = ["x", "a\\u0000b"]', "NUL"),
        ('name = "a"\nkind = "command"\nevents = ["promoted"]\nargv = ["x"]', "no event 'promoted'"),
        ('name = "a"\nkind = "command"\nevents = []\nargv = ["x"]', "events"),
        ('name = "a"\nkind = "pigeon"\nevents = ["*"]', "kind"),
        ('name = "../a"\nkind = "command"\nevents = ["*"]\nargv = ["x"]', "name"),
        ('name = "a"\nkind = "command"\nevents = ["*"]\nargv = ["x"]\ntimeout_s = 0', "timeout_s"),
        ('name = "a"\nkind = "webhook"\nevents = ["*"]\nurl = "x"\nsecret_env = "A B"', "secret_env"),
        ('name = "a"\nkind = "webhook"\nevents = ["*"]\nurl = "x"\nsecret = "A"', "secret"),
    ],
)
def test_settings_that_do_not_fit_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_toml(Settings, f"[[notify]]\n{text}\n".encode(), "settings.toml")


def test_two_targets_of_one_name_are_refused() -> None:
    one = '[[notify]]\nname = "a"\nkind = "command"\nevents = ["*"]\nargv = ["x"]\n'
    with pytest.raises(LockgateError, match="two notify targets are called 'a'"):
        read_toml(Settings, (one * 2).encode(), "settings.toml")


def test_the_family_is_a_group_of_three() -> None:
    assert isinstance(notify_command, click.Group)
    assert set(notify_command.commands) == {"list", "test", "retry"}


def test_the_pages_settings_and_verification_are_true(receiver: Receiver, tmp_path: Path) -> None:
    """What docs/notifications.md tells a receiver to do, done to what is really sent."""
    page = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
    blocks = page.split("```")[1::2]
    (settings,) = [block for block in blocks if "[[notify]]" in block]
    names = [target.name for target in read_toml(Settings, settings.encode(), "the page").notify]
    assert names == ["chat", "pager"]
    (code,) = [block for block in blocks if "def is_genuine" in block]
    space: dict[str, Any] = {}
    exec(compile(code, "docs/notifications.md", "exec"), space)  # noqa: S102 - our own page
    workspace = told(tmp_path, receiver)
    running.try_target(workspace, "hook", NOON)
    (got,) = receiver.got
    now = NOON.timestamp()
    given = (got.headers["lockgate-timestamp"], got.headers["lockgate-signature"])
    assert space["is_genuine"](SECRET, *given, got.body, now)
    assert not space["is_genuine"](SECRET, *given, got.body + b" ", now)
    assert not space["is_genuine"]("another secret", *given, got.body, now)
    assert not space["is_genuine"](SECRET, *given, got.body, now + 3600)
    assert not space["is_genuine"](SECRET, str(int(now) + 1), given[1], got.body, now)
