"""Record terminal sessions as SVG: the main job, and the command ``tcia``.

    python docs/site/recordings.py

runs the commands against a demo archive on this machine and writes
``docs/pictures/make.svg`` and ``docs/pictures/tcia.svg``.
"""

import contextlib
import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tciagen.archive.running import running_archive

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
WIDTH = 96
SESSION = (
    "tcia get-collection-values --limit 3",
    "tcia get-series --collection DEMO-BRAIN-MR"
    " --columns series_description,modality,series_date,image_count --limit 4",
    "tcia get-series --collection DEMO-BRAIN-MR --limit 2"
    " --columns series_instance_uid -o cart.csv",
    "tcia download-image --from cart.csv --to dicom",
)


def record(title: str, steps: list[tuple[str, str]]) -> str:
    """Return a terminal session as an SVG document.

    Args:
        title: Title of the window.
        steps: Each command line with its output, which may contain ANSI escapes.
    """
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(file=nowhere, record=True, width=WIDTH, force_terminal=True)
        for command, output in steps:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            if output.strip():
                console.print(Text.from_ansi(output.rstrip()))
        svg = console.export_svg(title=title, unique_id=title)
    # The fonts would be fetched from a third party; the viewer's own monospace font serves.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def run(
    command: list[str], folder: Path, environment: dict[str, str], *, terminal: bool = False
) -> str:
    """Run a command and return its output.

    Args:
        command: The command and its arguments.
        folder: Its working directory.
        environment: Variables beside those of this process.
        terminal: Whether its output is a terminal, on which ``tcia`` prints a table.
    """
    reader, writer = pty.openpty() if terminal else os.pipe()
    process = subprocess.Popen(  # noqa: S603 - the commands of this module, no shell
        command,
        cwd=folder,
        env={**os.environ, "COLUMNS": str(WIDTH), **environment},
        stdin=subprocess.DEVNULL,
        stdout=writer,
        stderr=writer,
    )
    os.close(writer)
    output = b""
    with contextlib.suppress(OSError), os.fdopen(reader, "rb", 0) as stream:
        while chunk := stream.read(65536):
            output += chunk
    if process.wait():
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return output.decode("utf-8").replace("\r\n", "\n")


def main() -> None:
    """Record both sessions."""
    FOLDER.mkdir(exist_ok=True)
    made = run([sys.executable, "generator/demo"], ROOT, {})
    (FOLDER / "make.svg").write_text(record("make", [("make", made)]), encoding="utf-8")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        catalog = folder / "catalog.sqlite"
        demo = [sys.executable, "-m", "tciagen", "archive", "demo", "--catalog", str(catalog)]
        run(demo, folder, {})
        with running_archive(catalog) as archive:
            environment = {
                "TCIA_BASE_URL": archive.base_url,
                "PYTHONPATH": str(ROOT / "generated/tcia-client/src"),
                "HOME": temporary,
            }
            steps = []
            for line in SESSION:
                arguments = line.split()[1:]
                command = [sys.executable, "-m", "tcia_client", *arguments]
                table = "get-" in line
                steps.append((line, run(command, folder, environment, terminal=table)))
    (FOLDER / "tcia.svg").write_text(record("tcia", steps), encoding="utf-8")


if __name__ == "__main__":
    main()
