"""Options and texts that several commands of ``tciagen archive`` share."""

from contextlib import closing
from pathlib import Path

import click

from tciagen.archive import statements
from tciagen.archive.catalog import DEFAULT_CATALOG, open_for_reading

catalog_option = click.option(
    "--catalog",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_CATALOG,
    show_default=True,
    metavar="FILE.sqlite",
    help="Catalog to write or to serve.",
)


def counted(catalog: Path) -> str:
    """Return the numbers of collections, series and images of a catalog as text."""
    with closing(open_for_reading(catalog)) as connection:
        (number,) = connection.execute(statements.COUNT_COLLECTIONS).fetchone()
        series, images, _ = connection.execute(statements.COUNT_SERIES).fetchone()
    return (
        f"{number:,} collection{'s' * (number != 1)}, {series:,} series, "
        f"{images:,} image{'s' * (images != 1)}"
    )
