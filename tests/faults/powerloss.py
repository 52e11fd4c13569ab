"""What a disk may hold after the power went, replayed from the log of what was done to it.

Two models of a file system that keeps no promise beyond POSIX's:

- "names kept": what was done to folders is there, in order; what was written to a file since its last sync is
  not. A new file that was renamed into place without a sync is there and empty.
- "strict": nothing is there that was not synced: bytes by an fsync of their file, names by an fsync of their
  folder, either by syncfs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

MODELS = ("names kept", "strict")


@dataclass(frozen=True)
class Done:
    """One call that succeeded; paths are below the folder that was watched."""

    name: str
    path: str
    other: str
    offset: int
    data: bytes


@dataclass
class File:
    """Bytes as programs see them, and as they are on disk."""

    now: bytearray = field(default_factory=bytearray)
    kept: bytes = b""


@dataclass
class Folder:
    """Names as programs see them, and as they are on disk."""

    now: dict[str, File | Folder | str] = field(default_factory=dict)
    """A text is where a symbolic link points to."""
    kept: dict[str, File | Folder | str] = field(default_factory=dict)


def read_log(path: Path, root: Path) -> list[Done]:
    """The calls in the order in which they took effect. `mark` has no path but a text."""
    found, data, at = [], path.read_bytes(), 0
    while at < len(data):
        end = data.index(b"\n", at)
        name, one, other, offset, length = data[at:end].decode().split("\t")
        at = end + 1 + int(length)
        below = [text.removeprefix(f"{root}/") if text != str(root) else "" for text in (one, other)]
        if name == "symlink":
            below[1] = other
        found.append(Done(name, below[0], below[1], int(offset), data[end + 1 : at]))
    return found


def disk_of(root: Path) -> Folder:
    """A folder as it is, all of it on disk."""
    made = Folder()
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        node: File | Folder | str
        if path.is_symlink():
            node = str(path.readlink())
        elif path.is_dir():
            node = disk_of(path)
        else:
            content = path.read_bytes()
            node = File(bytearray(content), content)
        made.now[path.name] = made.kept[path.name] = node
    return made


class Disk:
    """The disk while the log is replayed."""

    def __init__(self, root: Folder) -> None:
        self.root = root
        self._nameless: dict[str, File] = {}

    def replay(self, done: Done) -> None:
        """One call more."""
        match done.name:
            case "create" | "truncated":
                self._file(done.path, fresh=True)
                if done.name == "truncated":
                    self._file(done.path).now.clear()
            case "write":
                file = self._file(done.path)
                file.now.extend(bytes(max(0, done.offset - len(file.now))))
                file.now[done.offset : done.offset + len(done.data)] = done.data
            case "truncate":
                file = self._file(done.path)
                file.now[done.offset :] = bytes(max(0, done.offset - len(file.now)))
            case "mkdir":
                self._put(done.path, Folder())
            case "symlink":
                self._put(done.path, done.other)
            case "unlink" | "rmdir":
                folder, name = self._folder(done.path)
                folder.now.pop(name, None)
            case "rename":
                folder, name = self._folder(done.path)
                self._put(done.other, folder.now.pop(name))
            case "link":
                self._put(done.other, self._file(done.path))
            case "fsync":
                node = self._find(done.path)
                if isinstance(node, File):  # its bytes, however they were written
                    node.now = bytearray(done.data)
                self._sync(node)
            case "syncfs":
                self._sync_all(self.root)

    def _sync(self, node: File | Folder | str) -> None:
        if isinstance(node, File):
            node.kept = bytes(node.now)
        elif isinstance(node, Folder):
            node.kept = dict(node.now)

    def _sync_all(self, folder: Folder) -> None:
        self._sync(folder)
        for node in folder.now.values():
            if isinstance(node, Folder):
                self._sync_all(node)
            else:
                self._sync(node)

    def _folder(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        node = self._find(parent)
        assert isinstance(node, Folder), path
        return node, name

    def _find(self, path: str) -> File | Folder | str:
        node: File | Folder | str = self.root
        for name in path.split("/") if path else ():
            if path in self._nameless:
                return self._nameless[path]
            assert isinstance(node, Folder), path
            node = node.now[name]
        return node

    def _put(self, path: str, node: File | Folder | str) -> None:
        folder, name = self._folder(path)
        folder.now[name] = node

    def _file(self, path: str, fresh: bool = False) -> File:
        if path.endswith(" (deleted)"):
            return self._nameless.setdefault(path, File())
        folder, name = self._folder(path)
        node = folder.now.get(name)
        if fresh and node is None:
            node = folder.now[name] = File()
        assert isinstance(node, File), path
        return node


Tree = dict[str, bytes | str | None]
"""Path: bytes of a file, where a link points to, or None for a folder."""


def states(root: Folder, log: list[Done]) -> Iterator[tuple[str, int, list[str], Tree]]:
    """Every state that the disk may be in: (model, calls done, what was acknowledged by then, the tree).

    States that are the same as the one before, with the same acknowledged, are left out.
    """
    disk, acks = Disk(root), list[str]()
    last: dict[str, object] = {}
    for number, done in enumerate([Done("begin", "", "", 0, b""), *log]):
        if done.name == "mark":
            acks.append(done.path)
        else:
            disk.replay(done)
        for model in MODELS:
            tree = dict(_tree(disk.root, model))
            if last.get(model) != (tree, len(acks)):
                last[model] = (tree, len(acks))
                yield model, number, list(acks), tree


def _tree(folder: Folder, model: str, at: str = "") -> Iterator[tuple[str, bytes | str | None]]:
    names = folder.kept if model == "strict" else folder.now
    for name, node in names.items():
        path = f"{at}{name}"
        if isinstance(node, Folder):
            yield path, None
            yield from _tree(node, model, f"{path}/")
        elif isinstance(node, File):
            if not name.endswith("-shm"):  # memory that SQLite shares; it is made anew
                yield path, node.kept
        else:
            yield path, node


def lay_down(tree: Tree, root: Path) -> None:
    """Makes the files of a state."""
    root.mkdir()
    for path, content in tree.items():
        target = root / path
        if content is None:
            target.mkdir(exist_ok=True)
        elif isinstance(content, str):
            target.symlink_to(content)
        else:
            target.write_bytes(content)
