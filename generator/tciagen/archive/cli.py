"""The commands of ``tciagen archive``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tciagen.archive import statements
from tciagen.archive.catalog import open_for_reading, save_shared_list, writing
from tciagen.archive.command_options import catalog_option, counted
from tciagen.archive.serve_cli import new_key_command, serve_command
from tciagen.errors import EXIT_FINE, EXIT_INCOMPLETE, UsageProblem


@click.group("archive")
def archive() -> None:
    """Index DICOM files into a catalog and serve it as a v3 query API."""


archive.add_command(serve_command)
archive.add_command(new_key_command)


@archive.command("index")
@click.argument(
    "folders", nargs=-1, required=True, metavar="DIR...", type=click.Path(path_type=Path)
)
@catalog_option
@click.option("--collection", metavar="NAME", help="Collection of all files.")
@click.option(
    "--collection-from-folder",
    "level",
    type=click.IntRange(min=1),
    metavar="LEVEL",
    help="Collection is the name of the folder at LEVEL below DIR; 1 is the next.",
)
@click.option("--reassign", is_flag=True, help="Move series whose collection changes by this rule.")
@click.option(
    "--prune",
    is_flag=True,
    help="Remove absent files even if they are more than half of the files below DIR.",
)
@click.option(
    "--include-hidden",
    is_flag=True,
    help="Scan directories whose names begin with a dot, too.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Number of processes that read files; by default one for each processor.",
)
def index_command(
    *,
    folders: tuple[Path, ...],
    catalog: Path,
    collection: str | None,
    level: int | None,
    reassign: bool,
    prune: bool,
    include_hidden: bool,
    workers: int | None,
) -> int:
    """Read the headers of DICOM files below DIR into the catalog.

    Unchanged files are not read again. The next run completes an interrupted one.
    Files that no longer exist in DIR are removed from the catalog. A collection comes from
    --collection, else --collection-from-folder, else the file's CTP project name
    (0013,1010), Clinical Trial Protocol ID (0012,0020) or Sponsor Name
    (0012,0010), else it is UNASSIGNED. The catalog remembers this rule of DIR. A
    file without Patient ID belongs to UNKNOWN, one without Modality is OT.

    The exit status is 1 if a directory or a file could not be read, or if absent
    files stay in the catalog because --prune is not set.
    """
    from tciagen.archive.index_report import report_lines, summary  # noqa: PLC0415 - pydicom
    from tciagen.archive.rules import CollectionRule  # noqa: PLC0415 - pydicom, 0.4 s
    from tciagen.archive.scan import index  # noqa: PLC0415 - pydicom, 0.4 s

    with writing(catalog) as connection, _progress("Reading") as progress:
        result = index(
            connection,
            folders,
            rule=CollectionRule(collection, level),
            today=datetime.now(UTC).date(),
            workers=workers,
            progress=progress,
            prune=prune,
            reassign=reassign,
            include_hidden=include_hidden,
        )
    for line in report_lines(result):
        click.echo(line, err=True)
    click.echo(f"{summary(result)}; {counted(catalog)} in {catalog}")
    return EXIT_FINE if result.is_complete else EXIT_INCOMPLETE


@archive.command("demo")
@catalog_option
def demo_command(catalog: Path) -> None:
    """Build the demo data set beside the catalog.

    61 series in 1,500 files: real DICOM files that come with pydicom, and written CT, MR
    and PT series; no network is needed and the bytes are the same every time.
    """
    from tciagen.archive.demo import build_demo  # noqa: PLC0415 - pydicom, 0.4 s

    with _progress("Writing") as progress:
        demo = build_demo(catalog.parent, catalog, progress=progress)
    click.echo(f"{counted(catalog)}, {demo.size / 1e6:.1f} MB in {catalog}")


@archive.command("synth")
@click.option(
    "--series",
    required=True,
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Number of series.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="NUMBER",
    help="Seed of the random numbers; equal seeds produce equal rows.",
)
@catalog_option
def synth_command(series: int, seed: int, catalog: Path) -> None:
    """Create a catalog of any size without files.

    Its values are like those of TCIA.
    """
    from tciagen.archive.testing.synthetic import synthesize  # noqa: PLC0415 - not needed by the others

    with writing(catalog) as connection, _progress("Making") as progress:
        if connection.execute(statements.ANY_SERIES).fetchone():
            raise UsageProblem(f"{catalog} is not empty: specify a new file with --catalog")
        synthesize(connection, series, seed=seed, progress=progress)
    click.echo(f"{counted(catalog)} in {catalog}")


@archive.command("list")
@click.argument("name", required=False)
@click.option("--series", "uids", multiple=True, metavar="UID", help="A series; repeatable.")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE.tcia",
    help="Manifest with one series UID on each line.",
)
@catalog_option
def list_command(
    name: str | None, uids: tuple[str, ...], manifest: Path | None, catalog: Path
) -> None:
    """Create or replace the shared list NAME."""
    from tciagen.archive.manifest import is_uid, series_of  # noqa: PLC0415 - not for the others

    open_for_reading(catalog).close()
    if name is None or not name.strip():
        raise UsageProblem(f"name the list: {_LIST_USAGE}; {_existing_lists(catalog)}")
    if uids and manifest:
        raise UsageProblem("name the list's series with --series or with --manifest, not both")
    if not uids and not manifest:
        raise UsageProblem(
            f"name the series of {name!r}: {_LIST_USAGE}; {_existing_lists(catalog)}"
        )
    if wrong := [uid for uid in uids if not is_uid(uid)]:
        raise UsageProblem(f"--series {wrong[0]!r} is not a series UID, such as 1.3.6.1.4.1.14519")
    chosen = series_of(manifest) if manifest else list(uids)
    with writing(catalog) as connection:
        count, unknown = save_shared_list(connection, name, chosen)
    note = f", {unknown} of them not in the catalog" if unknown else ""
    click.echo(f"{name}: {count} series{note}")


_LIST_USAGE = "`tciagen archive list NAME --series UID`, or `--manifest FILE.tcia`"


def _existing_lists(catalog: Path) -> str:
    with closing(open_for_reading(catalog)) as connection:
        lists = connection.execute(statements.COUNT_LISTED).fetchall()
    if not lists:
        return f"{catalog} has no lists yet"
    return f"{catalog} has " + ", ".join(f"{name!r} ({count} series)" for name, count in lists)


@contextmanager
def _progress(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar on a terminal, and nothing elsewhere."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
