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
from tciagen.archive.catalog import (
    DEFAULT_CATALOG,
    open_for_reading,
    save_shared_list,
    writing,
)
from tciagen.archive.faults import KINDS, FaultyApp, parse_fault
from tciagen.errors import EXIT_FINE, EXIT_INCOMPLETE, UsageProblem

catalog_option = click.option(
    "--catalog",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CATALOG,
    show_default=True,
    metavar="FILE.sqlite",
    help="Catalog to write or to serve.",
)


@click.group("archive")
def archive() -> None:
    """Index DICOM files into a catalog and serve it as a v3 query API."""


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
    help="Processes that read files; by default one for each processor.",
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
    Files that are gone from DIR leave the catalog. A collection comes from
    --collection, else --collection-from-folder, else the file's CTP project name
    (0013,1010), Clinical Trial Protocol ID (0012,0020) or Sponsor Name
    (0012,0010), else it is UNASSIGNED. The catalog remembers this rule of DIR. A
    file without Patient ID belongs to UNKNOWN, one without Modality is OT.

    The exit status is 1 if a directory or a file could not be read, or if absent
    files stay in the catalog for want of --prune.
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
    click.echo(f"{summary(result)}; {_counted(catalog)} in {catalog}")
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
    click.echo(f"{_counted(catalog)}, {demo.size / 1e6:.1f} MB in {catalog}")


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
    help="Same seed, same rows.",
)
@catalog_option
def synth_command(series: int, seed: int, catalog: Path) -> None:
    """Make a catalog of any size without files.

    Its values are like those of TCIA.
    """
    from tciagen.archive.synth import synthesize  # noqa: PLC0415 - not needed by the others

    with writing(catalog) as connection, _progress("Making") as progress:
        if connection.execute(statements.ANY_SERIES).fetchone():
            raise UsageProblem(f"{catalog} is not empty: name a new file with --catalog")
        synthesize(connection, series, seed=seed, progress=progress)
    click.echo(f"{_counted(catalog)} in {catalog}")


@archive.command("list")
@click.argument("name")
@click.option("--series", "uids", multiple=True, metavar="UID", help="A series; repeatable.")
@click.option(
    "--manifest",
    type=click.Path(path_type=Path),
    metavar="FILE.tcia",
    help="Manifest whose series UIDs stand one a line.",
)
@catalog_option
def list_command(name: str, uids: tuple[str, ...], manifest: Path | None, catalog: Path) -> None:
    """Make or replace the shared list NAME."""
    from tciagen.archive.manifest import series_of  # noqa: PLC0415 - not needed by the others

    if bool(uids) == bool(manifest):
        raise UsageProblem("name the list's series with --series or with --manifest, not both")
    chosen = series_of(manifest) if manifest else list(uids)
    open_for_reading(catalog).close()
    with writing(catalog) as connection:
        count, unknown = save_shared_list(connection, name, chosen)
    note = f", {unknown} of them not in the catalog" if unknown else ""
    click.echo(f"{name}: {count} series{note}")


@archive.command("serve")
@catalog_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="NUMBER",
    default=8765,
    show_default=True,
    help="Port to listen on; 0 takes a free one.",
)
@click.option(
    "--api-key",
    "api_keys",
    multiple=True,
    envvar="TCIAGEN_ARCHIVE_API_KEYS",
    show_envvar=True,
    metavar="KEY",
    help="Ask for this key; repeatable (in the variable: separated by blanks).",
)
@click.option("--bare", is_flag=True, help="Metadata has the required members alone.")
@click.option("--no-content", is_flag=True, help="Answer 204, not an empty set, without a match.")
@click.option(
    "--zip-level",
    type=click.IntRange(0, 9),
    metavar="NUMBER",
    default=1,
    show_default=True,
    help="How hard getImage compresses.",
)
@click.option(
    "--files",
    "layout",
    type=click.Choice(["blob", "image"]),
    default="image",
    show_default=True,
    help="Layout of downloads. image: the header imageCount and results.json state what is in a "
    "ZIP. blob: ./1-NAME, no count, as the public v3 servers most likely had it.",
)
@click.option(
    "--ranges",
    is_flag=True,
    help="Answer files with a length, an ETag and ranges, as a proxy that keeps them does.",
)
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Serve the documents <DIR>/<Resource>/<QueryName>.json, and answer as they say.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[@NUMBER]",
    help="Spoil answers, for tests of clients; repeatable. ENDPOINT is a QueryName, one with "
    "/metadata, or * for all. KIND: " + "; ".join(f"{k}: {w}" for k, (_, w) in KINDS.items()) + ".",
)
def serve_command(
    *,
    catalog: Path,
    host: str,
    port: int,
    api_keys: tuple[str, ...],
    bare: bool,
    no_content: bool,
    zip_level: int,
    layout: str,
    ranges: bool,
    contract: Path | None,
    faults: tuple[str, ...],
) -> None:
    """Serve the catalog as a v3 query API until Ctrl-C.

    The BaseURL is told on standard output, the access log goes to standard error
    and never holds a key.
    """
    from tciagen.archive import (  # noqa: PLC0415 - starlette
        app,
        changed,
        queries,
        serving,
        zips,
    )
    from tciagen.archive.cors import CorsApp  # noqa: PLC0415 - starlette
    from tciagen.archive.ranges import RangesApp  # noqa: PLC0415 - starlette

    served = changed.endpoints(contract) if contract else queries.endpoints()
    settings = app.Settings(
        catalog,
        served,
        api_keys=api_keys,
        bare=bare,
        no_content=no_content,
        zip_level=zip_level,
        files=zips.FileLayout(layout),
    )
    plain = app.create_app(settings)
    answered = RangesApp(plain) if ranges else plain
    spoiled = FaultyApp(answered, [parse_fault(fault) for fault in faults])
    serving.run(CorsApp(spoiled), host=host, port=port, told=_counted(catalog), secrets=api_keys)


def _counted(catalog: Path) -> str:
    with closing(open_for_reading(catalog)) as connection:
        (number,) = connection.execute(statements.COUNT_COLLECTIONS).fetchone()
        series, images, _ = connection.execute(statements.COUNT_SERIES).fetchone()
    return (
        f"{number:,} collection{'s' * (number != 1)}, {series:,} series, "
        f"{images:,} image{'s' * (images != 1)}"
    )


@contextmanager
def _progress(verb: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    console = Console(file=sys.stderr)
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
