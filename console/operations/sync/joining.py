"""A new workspace and its remote: an empty remote gets the store, one that holds a store is cloned."""

from __future__ import annotations

from pathlib import Path

from console.operations.sync.sync import SILENT_SECONDS
from store.errors import InputError, MachineryError
from store.git.program import Patience
from store.git.remote import MAIN, Refused, Remote
from store.git.repository import Store
from store.git.tracking import saw, seen
from store.progress import Progress, Report
from store.settings import Settings


def absolute(remote: str) -> str:
    """`remote` with a path that is there made absolute, so that it means the same from everywhere."""
    if "://" in remote or not remote.strip():
        return remote
    path = Path(remote).expanduser()
    return str(path.absolute()) if remote.startswith(("/", "~", ".")) or path.is_dir() else remote


def name_remote(settings: Path, remote: str) -> None:
    """Writes `remote` into the settings file. Raises InputError when that names another one."""
    import tomlkit  # only writers pay for it
    from tomlkit.exceptions import ParseError

    try:
        document = tomlkit.parse(settings.read_text())
    except (ParseError, UnicodeDecodeError):
        raise InputError(
            f"{settings.name} cannot be read as TOML; nothing was made. Mend it first."
        ) from None
    url, known = absolute(remote), document.get("remote")
    if known is not None and known != url:
        raise InputError(f"{settings.name} is there already and names another remote; nothing was made.")
    if known is None:
        text = settings.read_text()
        said = f"remote = {tomlkit.string(url).as_string()}\n"
        first = "# The repository that this store is shared through.\n" + said
        settings.write_text(first + "\n" + text)


def cloned(store: Store, settings: Settings, report: Report) -> bool:
    """Fills the empty `store` from the remote of `settings`; False where there is none or it is empty.

    Raises InputError when it holds something else than a store, MachineryError when it does not answer.
    """
    if settings.remote is None:
        return False
    remote = Remote(store.path, settings.remote)
    report(Progress("asking the remote"))
    refs = remote.refs(Patience(settings.remote_timeout_s))
    if not refs:
        return False
    head = refs.get(MAIN)
    if head is None:
        raise InputError(f"the remote {remote.name} is not empty and has no branch main; nothing was made.")
    report(Progress("cloning"))
    remote.fetch(_patient(settings))
    head = seen(store) or head
    try:
        store.at(head).environments()
    except (InputError, MachineryError) as error:
        raise InputError(
            f"the remote {remote.name} holds no Lockgate store that can be read; nothing was made: "
            f"{error.message}"
        ) from None
    with store.writing() as writer:
        writer.follow(None, head)
    return True


def given(store: Store, settings: Settings, report: Report) -> None:
    """Pushes the first commit of `store` to its remote, if there is one.

    Raises MachineryError when it does not take it.
    """
    if settings.remote is None:
        return
    remote = Remote(store.path, settings.remote)
    report(Progress("pushing"))
    try:
        remote.push(store.tip(), _patient(settings))
    except Refused as error:
        raise MachineryError(f"{error.message} Nothing was made.") from None
    saw(store, store.tip())


def _patient(settings: Settings) -> Patience:
    return Patience(max(SILENT_SECONDS, settings.remote_timeout_s), renewed=True)
