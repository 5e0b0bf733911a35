"""Documents and overlay of a git revision, read without a checkout."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import attrs

from tciagen.contract.overlay import Overlay, parse_overlay
from tciagen.documents.address import address_of
from tciagen.documents.parsing import JsonObject, parse
from tciagen.errors import DocumentProblem, UsageProblem

OVERLAY = "overlay.toml"


class GitProblem(UsageProblem):
    """Git failed; the message has its reason and a fix."""


@attrs.frozen
class Revision:
    """The documents of one commit; ``folder`` is their path below the repository's top."""

    documents: Mapping[str, JsonObject]
    overlay: Overlay | None
    folder: PurePosixPath
    top: Path


@attrs.frozen
class Repository:
    """The git repository that a folder is in."""

    folder: Path

    def read(self, name: str, documents: Path | None) -> Revision:
        """Return the documents of ``REV`` or ``REV:path``.

        Args:
            name: the revision, as the user wrote it.
            documents: the folder that a revision alone means.

        Raises:
            GitProblem: There is no such revision, or git fails.
            UsageProblem: The folder of the documents is unknown.
            DocumentProblem: A document or the overlay cannot be read.
        """
        revision, _, inside = name.partition(":")
        commit = self._commit(revision)
        top = Path(self._line("rev-parse", "--show-toplevel")).resolve()
        if inside.startswith("./"):
            here = Path.cwd().resolve()
            start = here if here.is_relative_to(top) else self.folder.resolve()
            folder = PurePosixPath(start.relative_to(top).as_posix(), inside)
        elif inside:
            folder = PurePosixPath(inside)
        elif documents is not None and documents.resolve().is_relative_to(top):
            folder = PurePosixPath(documents.resolve().relative_to(top).as_posix())
        else:
            raise UsageProblem(f"Specify the folder of the documents in {name}: {name}:path.")
        found = {
            address_of(path.parent.name, path.stem): parse(
                self._git("cat-file", "blob", f"{commit}:{path}"), f"{name} ({path})"
            )
            for path in self._files(commit, folder)
            if path.suffix == ".json" and path.parent.parent == folder
        }
        if not found:
            raise DocumentProblem(
                f"There is no document <Resource>/<QueryName>.json in {folder} of {name}."
            )
        path = folder.parent / OVERLAY
        overlay = None
        if path in self._files(commit, path):
            body = self._git("cat-file", "blob", f"{commit}:{path}")
            overlay = parse_overlay(body, f"{OVERLAY} of {name}")
        return Revision(found, overlay, folder, top)

    def _commit(self, revision: str) -> str:
        """Return the hash of a commit.

        Raises:
            GitProblem: The repository has no such revision.
        """
        shallow = self._line("rev-parse", "--is-shallow-repository") == "true"
        try:
            return self._line("rev-parse", "--verify", "--end-of-options", revision + "^{commit}")
        except GitProblem as problem:
            message = f"The git repository of {self.folder} has no revision {revision!r}."
            if shallow:
                message += (
                    " The clone is shallow: run `git fetch --unshallow`, or check out with the"
                    " whole history (`fetch-depth: 0`)."
                )
            raise GitProblem(message) from problem

    def _files(self, commit: str, path: PurePosixPath) -> Iterator[PurePosixPath]:
        within = () if path == PurePosixPath() else ("--", str(path))
        listed = self._git("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, *within)
        yield from map(PurePosixPath, filter(None, os.fsdecode(listed).split("\0")))

    def _line(self, *arguments: str) -> str:
        return os.fsdecode(self._git(*arguments)).strip()

    def _git(self, *arguments: str) -> bytes:
        git = shutil.which("git")
        if git is None:
            raise GitProblem("There is no git on PATH. Install git to compare revisions.")
        done = subprocess.run(  # noqa: S603 - arguments are a list, no shell
            [git, *arguments],
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C"},
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            raise GitProblem(_reason(os.fsdecode(done.stderr), self.folder))
        return done.stdout


def _reason(stderr: str, folder: Path) -> str:
    """Return the reason of git as a sentence, with a fix command if git names one."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    reason = next((n.removeprefix("fatal: ") for n in lines if n.startswith("fatal: ")), "")
    message = f"Git cannot read the repository of {folder}: {reason or 'it gave no reason'}."
    remedy = next((line for line in lines if line.startswith("git config ")), None)
    if remedy:
        return f"{message} Run `{remedy}` if you trust it."
    if reason.startswith("not a git repository"):
        return f"{message} Name a folder, or pass --config FILE of a project in a repository."
    return message
