"""The commands ``generate`` and ``check``."""

import sys
from pathlib import Path
from typing import Any

import click

from tciagen import pipeline, publish
from tciagen.cli.drift import diff_documents
from tciagen.cli.options import api_options
from tciagen.cli.terminal import shows_colors
from tciagen.config import Api, required
from tciagen.display import count, plural, relative
from tciagen.drift.levels import Severity
from tciagen.drift.policy import FAIL_ON
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE
from tciagen.live import check as live_check
from tciagen.selection import selected_apis


@click.command()
@api_options(
    "base_url",
    "endpoint",
    "documents",
    "overlay",
    "schema",
    "output",
    "package",
    "distribution",
    "version",
    "environment",
    "command",
    "title",
)
@click.option(
    "--check", is_flag=True, help="Report every difference and write nothing (exit status 1)."
)
@click.option("--force", is_flag=True, help="Overwrite manual edits.")
def generate(
    config_file: Path | None, api: str | None, *, check: bool, force: bool, **given: Any
) -> int:
    """Generate the client package from documents and overlay, offline.

    The same documents, overlay and templates give the same bytes. Files are replaced
    atomically, and obsolete ones are deleted. Manual edits are an error without --force.
    """
    status = EXIT_FINE
    for one in selected_apis(config_file, api, **given):
        plan = pipeline.make_plan(one)
        output = required(one.output, "output")
        for notice in plan.notices:
            click.echo(f"notice: {notice}", err=True)
        if check:
            status = max(status, _report(one, plan, output))
            continue
        done = publish.publish(plan.files, output, force=force)
        for path in done.written:
            click.echo(f"written {relative(output / path)}")
        for path in done.deleted:
            click.echo(f"deleted {relative(output / path)}")
        click.echo(
            f"{one.name}: {count(len(plan.contract.endpoints), 'endpoint')} to"
            f" {relative(output)}: {len(done.written)} written, {done.unchanged} unchanged,"
            f" {len(done.deleted)} deleted"
        )
    return status


@click.command()
@api_options("base_url", "api_key", "documents", "overlay", "schema", "output")
@click.option(
    "--live", is_flag=True, help="Compare with the server: documents, schema and sampled rows."
)
@click.option("--record", is_flag=True, help="With --live: record some of the sampled rows.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="dangerous",
    show_default=True,
    help="With --live: lowest severity that causes exit status 1.",
)
def check(
    config_file: Path | None,
    api: str | None,
    *,
    live: bool,
    record: bool,
    fail_on: str,
    **given: Any,
) -> int:
    """Report everything that is out of date.

    Offline, the command checks the form of the documents, the generated source against
    documents, overlay and templates, and recorded samples against the contract. It names the
    layer that differs and the command that fixes it.

    With --live, the command compares the server's documents with the committed ones, its
    schema with the published one, and new rows of each endpoint with the contract.

    Exit status: 1 if anything differs, 3 if a document or the overlay is invalid, 4 if
    the server is unreachable.
    """
    if record and not live:
        raise click.UsageError("--record requires --live")
    if given["api_key"] is not None and not live:
        raise click.UsageError("--api-key requires --live")
    status = EXIT_FINE
    for one in selected_apis(config_file, api, **given):
        if live:
            status = max(status, diff_documents(one, fail_on))
            status = max(status, live_check.check_live(one, Severity(fail_on), record=record))
        else:
            status = max(status, _check(one))
    return status


def _check(api: Api) -> int:
    """Check one API offline, layer by layer."""
    untidy = pipeline.not_canonical(api)
    for path in untidy:
        click.echo(
            f"EDITED {relative(path)}: not in the form that `tciagen crawl` writes;"
            " crawl again, or restore the file"
        )
    plan = pipeline.make_plan(api)
    status = _report(api, plan, required(api.output, "output"))
    status = max(status, live_check.check_recorded(api, plan.contract))
    return max(status, EXIT_DIFFERENT if untidy else EXIT_FINE)


def _report(api: Api, plan: pipeline.Plan, output: Path) -> int:
    """Print how a folder differs from a plan, and the command that fixes it."""
    differences = publish.compare(plan.files, output)
    if not differences:
        click.echo(f"{api.name}: {relative(output)} is up to date")
        return EXIT_FINE
    folder = relative(output)
    files = count(len(differences), "file")
    verb = plural(len(differences), "differs", "differ")
    if all(d.kind is publish.Kind.LINE_ENDS for d in differences):
        click.echo(
            f"{api.name}: {files} in {folder} {verb} in line ends alone, as git's core.autocrlf"
            f" makes them. To fix: tciagen generate, and commit {folder}/.gitattributes"
        )
        return EXIT_DIFFERENT
    bold = shows_colors(sys.stdout)
    for difference in differences:
        line = f"{difference.kind} {relative(output / difference.path)}"
        click.echo(click.style(line, bold=True) if bold else line)
        if difference.diff:
            click.echo(difference.diff)
    layers = pipeline.changed_layers(plan, output)
    cause = f" Changed since it was generated: {', '.join(layers)}." if layers else ""
    by_hand = any(
        d.kind in (publish.Kind.EDITED, publish.Kind.EXTRA) and d.path != publish.MANIFEST
        for d in differences
    )
    force = " --force (it overwrites manual edits)" if by_hand else ""
    click.echo(f"{api.name}: {files} in {folder} {verb}.{cause} To fix: tciagen generate{force}")
    return EXIT_DIFFERENT
