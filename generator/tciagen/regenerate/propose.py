"""Regenerate on a branch of its own, in a work tree of its own, and push it.

The branch is HEAD and one commit more, rewritten while the drift lasts and deleted when
it is gone. The checkout, its branch and the remote's default branch are never touched,
nor is a branch that holds a commit of somebody else.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import attrs

from tciagen.errors import ServerProblem, UsageProblem

TRAILER = "Tciagen-Digest"


class Action(StrEnum):
    """What became of the branch on the remote."""

    NONE = "none"
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"
    LEFT = "left"

    @property
    def proposes(self) -> bool:
        """Whether there is a branch of ours that waits to be merged."""
        return self in (Action.CREATED, Action.UPDATED, Action.UNCHANGED)


@attrs.frozen
class Proposal:
    """What there is to commit: files, subject, and a digest of the drift.

    Without files the drift is gone.
    """

    files: Sequence[Path]
    title: str
    digest: str


@attrs.frozen
class Git:
    """git in one work tree."""

    folder: Path

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run git and return what it writes, without the final newline.

        Raises:
            UsageProblem: git fails, with the last line that it said.
        """
        git = shutil.which("git")
        if git is None:
            raise UsageProblem("There is no git on PATH.")
        done = subprocess.run(  # noqa: S603 - arguments are a list, no shell
            [git, *arguments],
            cwd=self.folder,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
            check=False,
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines() or ["it said nothing"]
            problem = ServerProblem if arguments[0] in _REMOTE else UsageProblem
            raise problem(f"`git {arguments[0]}` failed: {said[-1]}")
        return done.stdout.rstrip("\n")


_REMOTE = frozenset({"ls-remote", "fetch", "push"})


def propose(
    folder: Path, regenerate: Callable[[Path], Proposal], *, remote: str, branch: str
) -> Action:
    """Regenerate HEAD in a work tree of its own; make the remote's branch tell the outcome.

    Args:
        folder: any folder of the repository.
        regenerate: writes into the same folder of another work tree.
        remote: name or address of the remote repository.
        branch: what the branch is called there.

    Raises:
        UsageProblem: no repository, a branch that must not be rewritten, or git fails.
        ServerProblem: the remote is out of reach, or its branch was moved meanwhile.
    """
    git = Git(folder)
    _refuse_home(git, remote, branch)
    ref = f"refs/heads/{branch}"
    base = git("rev-parse", "HEAD")
    there = git("ls-remote", remote, ref).partition("\t")[0]
    digest = _our_digest(git, remote, ref, there) if there else ""
    ours = bool(digest) or not there
    lease = f"--force-with-lease={ref}:{there}"
    with _work_tree(git, base) as tree:
        proposal = regenerate(tree / git("rev-parse", "--show-prefix"))
        if not ours:
            return Action.LEFT
        if not proposal.files:
            if there:
                git("push", "--quiet", lease, remote, f":{ref}")
            return Action.DELETED if there else Action.NONE
        if there and digest == proposal.digest and git("rev-parse", f"{there}^") == base:
            return Action.UNCHANGED
        commit = _commit(Git(tree), proposal)
        git("push", "--quiet", lease, remote, f"{commit}:{ref}")
    return Action.UPDATED if there else Action.CREATED


def _refuse_home(git: Git, remote: str, branch: str) -> None:
    """Refuse a branch that people work on: the one checked out, and the remote's default."""
    home = {git("branch", "--show-current")}
    for line in git("ls-remote", "--symref", remote, "HEAD").splitlines():
        if line.startswith("ref: "):
            home.add(line.removeprefix("ref: ").partition("\t")[0].removeprefix("refs/heads/"))
    if branch in home:
        raise UsageProblem(f"{branch} is the branch of work itself; give --branch another name.")
    git("check-ref-format", "--branch", branch)


def _our_digest(git: Git, remote: str, ref: str, there: str) -> str:
    """Return the digest in the remote branch's one commit, nothing if it is not ours."""
    git("fetch", "--quiet", "--no-tags", remote, ref)
    told = f"%(trailers:key={TRAILER},valueonly,separator=%x20)"
    return git("log", "-1", f"--format={told}", there).strip()


@contextmanager
def _work_tree(git: Git, commit: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tciagen-") as folder:
        tree = Path(folder).resolve() / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def _commit(git: Git, proposal: Proposal) -> str:
    paths = "\0".join(os.path.relpath(path, git.folder) for path in proposal.files)
    git("add", "--all", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=paths)
    message = f"{proposal.title}\n\n{TRAILER}: {proposal.digest}\n"
    git("commit", "--quiet", "--file=-", stdin=message)
    return git("rev-parse", "HEAD")
