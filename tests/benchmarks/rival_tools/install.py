"""Installs the tools from the package registries, once, into a separate folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Container, Sequence
from pathlib import Path

HERE = Path(__file__).parent
GRIFFE = "griffe==2.4.1"
QUIET = {
    "DO_NOT_TRACK": "1",
    "NO_UPDATE_NOTIFIER": "1",
    "OPTIC_TELEMETRY_LEVEL": "off",
    "SCARF_ANALYTICS": "false",
}
"""Variables that disable the telemetry of the tools and their dependencies."""


class UnavailableError(Exception):
    """A tool is unavailable or does not work; the message states the reason in one line."""


def run(
    arguments: Sequence[str | Path],
    folder: Path,
    *,
    stdin: str = "",
    seconds: float = 80,
    fine: Container[int] = (0,),
) -> str:
    """Return the output of a program.

    Raises:
        UnavailableError: it is missing, takes too long or ends with an error status.
    """
    name = Path(arguments[0]).name
    environment = os.environ | QUIET | {"BUF_CACHE_DIR": str(folder / "cache")}
    try:
        done = subprocess.run(
            arguments,
            cwd=folder,
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            timeout=seconds,
            check=False,
        )
    except FileNotFoundError:
        raise UnavailableError(f"there is no {name} on this machine") from None
    except subprocess.TimeoutExpired:
        raise UnavailableError(f"{name} took more than {seconds:.0f} s") from None
    if done.returncode not in fine:
        errors = [line for line in done.stderr.splitlines() if "rror" in line] or [
            "no reason given"
        ]
        raise UnavailableError(f"{name} ended with {done.returncode}: {errors[0].strip()[:120]}")
    return done.stdout


def versions() -> list[str]:
    """Return the tools with their pinned versions."""
    pinned: dict[str, str] = json.loads((HERE / "package.json").read_bytes())["dependencies"]
    return [f"{name} {version}" for name, version in pinned.items()] + [GRIFFE.replace("==", " ")]


def install_node_tools(folder: Path) -> None:
    """Install the pinned packages of package.json, without running their scripts.

    Raises:
        UnavailableError: npm is missing or fails.
    """
    wanted = (HERE / "package.json").read_text(encoding="utf-8")
    stamp = folder / "installed.json"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(wanted, encoding="utf-8")
    options = ["--package-lock=false", "--ignore-scripts", "--no-audit", "--no-fund"]
    run(["npm", "install", "--loglevel=error", *options], folder)
    stamp.write_text(wanted, encoding="utf-8")


def install_griffe(folder: Path) -> None:
    """Install griffe outside the environment and make it importable.

    Raises:
        UnavailableError: pip fails.
    """
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != GRIFFE:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run([*pip, "--target", folder, GRIFFE], folder)
        stamp.write_text(GRIFFE, encoding="utf-8")
    sys.path.append(str(folder))
