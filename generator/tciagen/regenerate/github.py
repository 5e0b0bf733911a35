"""One draft pull request and one issue on GitHub, by way of its command line ``gh``.

``gh`` finds the repository by the checkout's remote and the token in ``GH_TOKEN``.
"""

import json
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from tciagen.errors import ServerProblem, UsageProblem

COLOR = "5319e7"
LONGEST = 65_000
"""Characters of a body, of the 65,536 that GitHub takes."""
ISSUE_LABEL = "drift"
ISSUE_TITLE = "The server and the contract do not agree"


def pull_request(branch: str, title: str, body: str, labels: Sequence[str]) -> str:
    """Open the draft pull request of a branch, or bring the open one up to date.

    Returns:
        What was done, in words.

    Raises:
        ServerProblem: GitHub refuses, or is out of reach.
    """
    _make_labels(labels)
    found = _gh_json("pr", "list", "--head", branch, "--state", "open", "--json", "number,labels")
    if not found:
        adding = [f"--label={label}" for label in labels]
        text = ["--title", title, "--body-file=-"]
        _gh("pr", "create", "--draft", "--head", branch, *text, *adding, stdin=body)
        return f"opened a draft pull request of {branch}"
    number = str(found[0]["number"])
    stale = [
        label["name"]
        for label in found[0]["labels"]
        if label["name"].startswith("drift:") and label["name"] not in labels
    ]
    changing = [f"--add-label={label}" for label in labels]
    changing += [f"--remove-label={label}" for label in stale]
    _gh("pr", "edit", number, "--title", title, "--body-file=-", *changing, stdin=body)
    return f"brought pull request {number} up to date"


def issue(body: str | None) -> str:
    """Open or bring up to date the one issue that tells of drift; None closes it.

    Returns:
        What was done, in words.

    Raises:
        ServerProblem: GitHub refuses, or is out of reach.
    """
    listed = ("--label", ISSUE_LABEL, "--state", "open", "--json", "number,title")
    found = [i for i in _gh_json("issue", "list", *listed) if i["title"] == ISSUE_TITLE]
    if body is None:
        for one in found:
            said = "The server and the contract agree again."
            _gh("issue", "close", str(one["number"]), "--comment", said)
        return "closed the issue" if found else "there is no issue to close"
    if found:
        number = str(found[0]["number"])
        _gh("issue", "edit", number, "--body-file=-", stdin=body)
        return f"brought issue {number} up to date"
    _make_labels([ISSUE_LABEL])
    text = ("--title", ISSUE_TITLE, "--label", ISSUE_LABEL, "--body-file=-")
    _gh("issue", "create", *text, stdin=body)
    return "opened an issue"


def _make_labels(labels: Sequence[str]) -> None:
    for label in labels:
        _gh("label", "create", label, "--color", COLOR, "--force")


def _gh_json(*arguments: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(_gh(*arguments))
    except ValueError as error:
        raise ServerProblem(f"`gh {arguments[0]} {arguments[1]}` wrote no JSON.") from error
    return found


def _gh(*arguments: str, stdin: str = "") -> str:
    gh = shutil.which("gh")
    if gh is None:
        raise UsageProblem("There is no `gh` on PATH, the command line of GitHub.")
    done = subprocess.run(  # noqa: S603 - arguments are a list, no shell
        [gh, *arguments], input=stdin, capture_output=True, encoding="utf-8", check=False
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise ServerProblem(f"`gh {arguments[0]} {arguments[1]}` failed: {said[-1]}")
    return done.stdout
