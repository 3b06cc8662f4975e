"""Faults that are planted in a copy of the tree, for scripts that measure how soon they are found."""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from harness import ROOT


def check(planned: Mapping[str, Sequence[str]]) -> None:
    """Exits with an error if a place that a fault is planned for has changed. `planned`: the edits of each fault, by its name."""
    problems = []
    for name, edits in planned.items():
        for file, code, _ in places(edits):
            path = ROOT / file
            count = path.read_text(encoding="utf-8").count(code) if path.is_file() else 0
            if count != 1:
                problems.append(f"{name}: {file} has {count} times, not once: {code!r}")
    if problems:
        sys.exit("\n".join(problems))


@contextlib.contextmanager
def copy_of_tree() -> Iterator[Path]:
    """The last commit in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        git(ROOT, "worktree", "add", "--detach", "--quiet", str(copy))
        try:
            yield copy
        finally:
            git(ROOT, "worktree", "remove", "--force", str(copy))


@contextlib.contextmanager
def planted(copy: Path, *edits: str) -> Iterator[None]:
    """Replaces code in the copy meanwhile. For each place: its file, the code, and the fault."""
    for file, code, fault in places(edits):
        path = copy / file
        original = path.read_text(encoding="utf-8")
        if original.count(code) != 1:
            sys.exit(f"{file} has changed: {code!r} is not there, or more than once")
        path.write_text(original.replace(code, fault), encoding="utf-8")
    try:
        yield
    finally:
        git(copy, "checkout", "--quiet", ".")


def places(edits: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    return zip(edits[::3], edits[1::3], edits[2::3], strict=True)


def git(tree: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(tree), *arguments], check=True)
