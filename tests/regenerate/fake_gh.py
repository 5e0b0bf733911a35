#!/usr/bin/env python3
"""Stands in for GitHub's command line: pull requests, issues and labels in a JSON file.

Only the calls that the project makes; anything else fails, as `gh` does.
"""

import argparse
import json
import os
import sys
from pathlib import Path

STATE = Path(os.environ["FAKE_GH_STATE"])


def main() -> None:
    if os.environ.get("FAKE_GH_FAILS"):
        sys.exit("GraphQL: GitHub Actions is not permitted to create pull requests")
    state = (
        json.loads(STATE.read_text()) if STATE.exists() else {"label": [], "pr": [], "issue": []}
    )
    kind, verb, *arguments = sys.argv[1:]
    parser = argparse.ArgumentParser()
    parser.add_argument("target", nargs="?")
    for option in ("head", "state", "json", "title", "body-file", "color", "comment"):
        parser.add_argument(f"--{option}")
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--force", action="store_true")
    for option in ("label", "add-label", "remove-label"):
        parser.add_argument(f"--{option}", action="append", default=[])
    given = parser.parse_args(arguments)
    things = state[kind]
    if (kind, verb) == ("label", "create"):
        if given.target not in things:
            things.append(given.target)
    elif verb == "list":
        found = [
            thing
            for thing in things
            if thing["open"]
            and given.head in (None, thing["head"])
            and set(given.label) <= set(thing["labels"])
        ]
        wanted = given.json.split(",")
        rows = [{**t, "labels": [{"name": name} for name in t["labels"]]} for t in found]
        print(json.dumps([{key: row[key] for key in wanted} for row in rows]))
    elif verb == "create":
        things.append(
            {
                "number": len(things) + 1,
                "open": True,
                "head": given.head,
                "draft": given.draft,
                "title": given.title,
                "body": sys.stdin.read(),
                "labels": given.label,
            }
        )
    else:
        (thing,) = (t for t in things if str(t["number"]) == given.target)
        if verb == "close":
            thing["open"] = False
        else:
            thing["body"] = sys.stdin.read()
            thing["title"] = given.title or thing["title"]
            kept = [name for name in thing["labels"] if name not in given.remove_label]
            thing["labels"] = [*kept, *(n for n in given.add_label if n not in kept)]
    unknown = {name for t in [*state["pr"], *state["issue"]] for name in t["labels"]}
    if unknown - set(state["label"]):
        sys.exit(f"could not add label: {unknown} not found")
    STATE.write_text(json.dumps(state))


main()
