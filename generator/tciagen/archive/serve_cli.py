"""``tciagen archive serve`` and ``new-key``."""

import os
from pathlib import Path

import click
from click.core import ParameterSource

from tciagen.archive.command_options import catalog_option, counted
from tciagen.archive.keys import Keys, checked_key, new_key, read_key_file
from tciagen.archive.testing.faults import KINDS, FaultyApp, check_faults, parse_fault
from tciagen.errors import UsageProblem

DEFAULT_PORT = 8042
_KEYS_VARIABLE = "TCIAGEN_ARCHIVE_API_KEYS"


def _checked_keys(
    context: click.Context, parameter: click.Parameter, keys: tuple[str, ...]
) -> tuple[str, ...]:
    source = context.get_parameter_source(parameter.name or "")
    if source is ParameterSource.COMMANDLINE:
        click.echo(
            "tciagen: warning: other users of this machine can see a key on the command line "
            f"(ps); use --api-key-file or the variable {_KEYS_VARIABLE}",
            err=True,
        )
    elif not os.environ.get(_KEYS_VARIABLE, "set").strip():
        checked_key("", _KEYS_VARIABLE)
    for key in keys:
        checked_key(key, "--api-key" if source is ParameterSource.COMMANDLINE else _KEYS_VARIABLE)
    return keys


def _checked_host(_context: click.Context, _parameter: click.Parameter, host: str) -> str:
    if not host.strip():
        raise UsageProblem("--host is empty: specify an address, such as 127.0.0.1")
    return host


@click.command("serve")
@catalog_option
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    callback=_checked_host,
    help="Address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="NUMBER",
    default=DEFAULT_PORT,
    show_default=True,
    help="Port to listen on; 0 selects a free port.",
)
@click.option(
    "--api-key",
    "api_keys",
    multiple=True,
    envvar=_KEYS_VARIABLE,
    show_envvar=True,
    metavar="KEY",
    callback=_checked_keys,
    help="Key that requests need; repeatable. Other users see it in the list of processes: "
    "prefer --api-key-file, or the variable, in which blanks separate keys.",
)
@click.option(
    "--api-key-file",
    "key_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="File of hashed keys, as `tciagen archive new-key FILE` writes it; repeatable.",
)
@click.option("--bare", is_flag=True, help="Leave optional members out of metadata documents.")
@click.option("--no-content", is_flag=True, help="Respond with status 204 if there are no results.")
@click.option(
    "--zip-level",
    type=click.IntRange(0, 9),
    metavar="NUMBER",
    default=1,
    show_default=True,
    help="Compression level of ZIP archives.",
)
@click.option(
    "--files",
    "layout",
    type=click.Choice(["blob", "image"]),
    default="image",
    show_default=True,
    help="Layout of downloads. image: the header imageCount and results.json state what is in a "
    "ZIP. blob: ./1-NAME, no count, as the public v3 servers most likely sent it.",
)
@click.option(
    "--ranges",
    is_flag=True,
    help="Send files with a length, an ETag and ranges, as a proxy that stores them does.",
)
@click.option(
    "--contract",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Serve the documents <DIR>/<Resource>/<QueryName>.json, and rows that match them.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[@NUMBER]",
    help="Defect of responses, for tests of clients; repeatable. ENDPOINT is a QueryName, one with "
    "/metadata, or * for all queries. KIND: "
    + "; ".join(f"{name}: {kind.description}" for name, kind in KINDS.items())
    + ".",
)
def serve_command(
    *,
    catalog: Path,
    host: str,
    port: int,
    api_keys: tuple[str, ...],
    key_files: tuple[Path, ...],
    bare: bool,
    no_content: bool,
    zip_level: int,
    layout: str,
    ranges: bool,
    contract: Path | None,
    faults: tuple[str, ...],
) -> None:
    """Serve the catalog as a v3 query API until Ctrl-C.

    Standard output gets the BaseURL, standard error the access log, which never contains a key.
    """
    from tciagen.archive import app, queries, serving, zips  # noqa: PLC0415 - starlette
    from tciagen.archive.cors import CorsApp  # noqa: PLC0415 - starlette
    from tciagen.archive.ranges import RangesApp  # noqa: PLC0415 - starlette
    from tciagen.archive.testing import contract_server  # noqa: PLC0415 - starlette

    served = contract_server.endpoints(contract) if contract else queries.endpoints()
    parsed_faults = [parse_fault(fault) for fault in faults]
    check_faults(parsed_faults, served.values())
    digests = [digest for path in key_files for digest in read_key_file(path)]
    keys = Keys.of(api_keys, digests)
    settings = app.Settings(
        catalog,
        served,
        keys=keys,
        bare=bare,
        no_content=no_content,
        zip_level=zip_level,
        files=zips.FileLayout(layout),
    )
    plain = app.create_app(settings)
    with_ranges = RangesApp(plain) if ranges else plain
    with_faults = FaultyApp(with_ranges, parsed_faults)
    serving.run(CorsApp(with_faults), host=host, port=port, summary=counted(catalog), keys=keys)


@click.command("new-key")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def new_key_command(path: Path) -> None:
    """Add a new API key to FILE and print it.

    FILE contains only hashes of keys, one on each line, and only its owner can read it. A server
    that is started with --api-key-file FILE accepts the key. To revoke a key, delete its line
    and start the server again.
    """
    click.echo(new_key(path))
