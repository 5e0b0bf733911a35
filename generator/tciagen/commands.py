"""The commands of the main way: crawl, validate, generate, check."""

import os
import sys
from pathlib import Path
from typing import Any

import click

from tciagen import crawl as crawling
from tciagen import documents, pipeline, publish
from tciagen.cli import api_options, selected_apis
from tciagen.config import Api, required
from tciagen.drift.cli import diff_documents
from tciagen.drift.levels import Severity
from tciagen.drift.policy import FAIL_ON
from tciagen.errors import EXIT_DIFFERENT, EXIT_DOCUMENT, EXIT_FINE
from tciagen.live import check as live_check
from tciagen.schema import load_validator, unknown_members
from tciagen.terminal import shows_colors


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def relative(path: Path) -> str:
    """Return a path as seen from the working folder, for messages."""
    return os.path.relpath(path)


@click.command()
@api_options("base_url", "api_key", "endpoint", "documents", "schema")
def crawl(config_file: Path | None, api: str | None, **given: Any) -> int:
    """Fetch the metadata of every endpoint into the documents folder.

    A document that cannot be fetched or is invalid never replaces a good one; all
    failures are told together (exit status 4 if a server was out of reach, else 3).
    """
    for one in selected_apis(config_file, api, **given):
        base_url = required(one.base_url, "base-url")
        folder = required(one.documents, "documents")
        validator = load_validator(one.schema)
        addresses = required(one.addresses, "addresses")
        result = crawling.crawl(base_url, addresses, validator, api_key=one.key_for(base_url))
        changed = crawling.write_documents(result.documents, folder)
        for address in changed:
            click.echo(f"written {relative(documents.document_path(folder, address))}")
        click.echo(
            f"{one.name}: {_count(len(result.documents), 'document')} fetched from {base_url},"
            f" {len(changed)} written, {len(result.documents) - len(changed)} unchanged"
        )
        result.require_complete()
    return EXIT_FINE


@click.command()
@api_options("documents", "schema")
def validate(config_file: Path | None, api: str | None, **given: Any) -> int:
    """Report every violation of the schema in every document.

    Members that the schema does not know are notices. Exit status 3 if a document
    is unreadable or invalid.
    """
    status = EXIT_FINE
    for one in selected_apis(config_file, api, **given):
        folder = required(one.documents, "documents")
        validator = load_validator(one.schema)
        found = documents.read_folder(folder)
        wrong = 0
        for address, document in found.items():
            path = relative(documents.document_path(folder, address))
            findings = documents.judge(address, document, validator)
            wrong += bool(findings)
            for finding in findings:
                click.echo(f"{path}: {finding.violation}")
            for pointer in unknown_members(document, validator):
                click.echo(f"{path}: {pointer}: notice: the schema does not know this member")
        click.echo(f"{one.name}: {_count(len(found), 'document')}, {wrong} invalid")
        if wrong:
            status = EXIT_DOCUMENT
    return status


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
@click.option("--check", is_flag=True, help="Write nothing; tell every difference (exit status 1).")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
def generate(
    config_file: Path | None, api: str | None, *, check: bool, force: bool, **given: Any
) -> int:
    """Make the client package from documents and overlay. Offline.

    The same documents, overlay and templates give the same bytes. Files are replaced
    atomically; those no longer generated are deleted; a file that was edited by hand
    stops everything unless --force is given.
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
            f"{one.name}: {_count(len(plan.contract.endpoints), 'endpoint')} to"
            f" {relative(output)}: {len(done.written)} written, {done.unchanged} unchanged,"
            f" {len(done.deleted)} deleted"
        )
    return status


@click.command()
@api_options("base_url", "api_key", "documents", "overlay", "schema", "output")
@click.option("--live", is_flag=True, help="Ask the server: documents, schema, and samples.")
@click.option("--record", is_flag=True, help="With --live: keep a few of the sampled rows.")
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="dangerous",
    show_default=True,
    help="With --live: exit status 1 for something as bad as this or worse.",
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
    """Tell what no longer agrees.

    Offline: the documents and their form, the generated source against documents,
    overlay and templates, recorded samples against the contract. Names the layer that
    differs and the command that mends it.

    With --live the server is asked instead: its documents against the committed ones, its
    schema against the published one, and fresh rows of each endpoint against the
    contract.

    Exit status 1 if anything differs, 3 if a document or the overlay cannot be used, 4 if
    the server is out of reach.
    """
    if record and not live:
        raise click.UsageError("--record goes with --live")
    if given["api_key"] is not None and not live:
        raise click.UsageError("--api-key goes with --live")
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
    """Print how a folder differs from a plan, and the command that mends it."""
    differences = publish.compare(plan.files, output)
    if not differences:
        click.echo(f"{api.name}: {relative(output)} is what its inputs generate")
        return EXIT_FINE
    folder = relative(output)
    count = _count(len(differences), "file")
    verb = "differs" if len(differences) == 1 else "differ"
    if all(d.kind is publish.Kind.LINE_ENDS for d in differences):
        click.echo(
            f"{api.name}: {count} in {folder} {verb} in line ends alone, as git's core.autocrlf"
            f" makes them. To fix: tciagen generate, and keep {folder}/.gitattributes in git"
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
    click.echo(f"{api.name}: {count} in {folder} {verb}.{cause} To fix: tciagen generate{force}")
    return EXIT_DIFFERENT
