"""Gets the tools from the package registries, once, into a folder of their own."""

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
"""What keeps the tools, and what they depend on, from sending anything home."""


class UnavailableError(Exception):
    """A tool cannot be had or does not work; the message says why in one line."""


def run(
    arguments: Sequence[str | Path],
    folder: Path,
    *,
    stdin: str = "",
    seconds: float = 80,
    fine: Container[int] = (0,),
) -> str:
    """Return what a program prints.

    Raises:
        UnavailableError: it is missing, takes too long or does not end with a fine status.
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
        told = [line for line in done.stderr.splitlines() if "rror" in line] or ["no reason given"]
        raise UnavailableError(f"{name} ended with {done.returncode}: {told[0].strip()[:120]}")
    return done.stdout


def versions() -> list[str]:
    """Return the tools with the versions that are pinned."""
    pinned: dict[str, str] = json.loads((HERE / "package.json").read_bytes())["dependencies"]
    return [f"{name} {version}" for name, version in pinned.items()] + [GRIFFE.replace("==", " ")]


def install_node_tools(folder: Path) -> None:
    """Install what package.json pins, without running any script of a package.

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
    """Install griffe beside the environment, not into it, and let it be imported.

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
