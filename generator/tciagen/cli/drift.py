"""The commands ``diff``, ``rules`` and ``accept``."""

import datetime
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import attrs
import click

from tciagen import config
from tciagen.cli.options import api_key_option, config_options
from tciagen.cli.terminal import shows_colors
from tciagen.documents.schema import load_validator
from tciagen.drift.accept import FILE_NAME, apply_acceptances, read_acceptances
from tciagen.drift.accept import accept as accept_change
from tciagen.drift.catalogue.rules import RULES, get_rule
from tciagen.drift.levels import Severity
from tciagen.drift.policy import FAIL_ON, exit_status, read_severities, with_severities
from tciagen.drift.report import FORMATS, render
from tciagen.drift.report.rule_pages import catalogue_page, rule_page
from tciagen.drift.sides import Defaults, Side, compare_sides, is_url, load_sides
from tciagen.drift.verdict import Verdict
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE, UsageProblem
from tciagen.files import replace_file
from tciagen.pipeline import published_contract
from tciagen.python.text import plain
from tciagen.selection import selected_api
from tciagen.suggestions import suggestion

Command = TypeVar("Command", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path, dir_okay=False)


def _options(command: Command) -> Command:
    for option in (
        click.option(
            "--severity",
            "severities",
            multiple=True,
            metavar="RULE=LEVEL",
            help="Severity of a rule. Repeat the option for each rule.",
        ),
        click.option("--schema", type=_FILE, metavar="FILE", help="JSON Schema of the documents."),
        api_key_option,
        click.option(
            "--accept-file",
            type=_FILE,
            metavar="FILE",
            help=f"File of accepted changes. Default: {FILE_NAME}.",
        ),
        config_options,
    ):
        command = option(command)
    return command


@click.command()
@click.argument("old")
@click.argument("new")
@click.option(
    "--format",
    "format_",
    default="text",
    show_default=True,
    metavar="FORMAT",
    help=f"Format of the report: {', '.join(FORMATS)}.",
)
@click.option(
    "--output",
    type=_FILE,
    metavar="FILE",
    help="Write the report to this file, and text to stdout.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default="dangerous",
    show_default=True,
    help="Lowest severity that causes exit status 1.",
)
@click.option("--all", "all_levels", is_flag=True, help="Report changes of level none, too.")
@click.option(
    "--strict",
    is_flag=True,
    help="Exit status 1 for expired and unused entries of accepted changes.",
)
@_options
def diff(
    old: str,
    new: str,
    *,
    format_: str,
    output: Path | None,
    fail_on: str,
    all_levels: bool,
    strict: bool,
    **given: Any,
) -> int:
    """Compare two contracts by meaning, and report what a change breaks.

    OLD and NEW are each a folder of documents, a git revision (REV, or REV:path to the
    documents), a BaseURL, or an installed generated package.
    """
    if format_ not in FORMATS:
        raise UsageProblem(f"There is no format {format_!r}{suggestion(format_, dict(FORMATS))}.")
    run = _Run.given(old, new, **given)
    return _report(run, format_, output, fail_on=fail_on, all_levels=all_levels, strict=strict)


def diff_documents(api: config.Api, fail_on: str) -> int:
    """Compare an API's documents with its server, as `diff` does; return the exit status.

    Raises:
        UsageProblem: The configuration is incomplete.
        DocumentProblem: Documents or overlay are invalid.
        ServerProblem: The server is unreachable.
    """
    documents = str(config.required(api.documents, "documents"))
    run = _Run.start(api, documents, config.required(api.base_url, "base-url"))
    return _report(run, "text", None, fail_on=fail_on)


def _report(
    run: "_Run",
    format_: str,
    output: Path | None,
    *,
    fail_on: str,
    all_levels: bool = False,
    strict: bool = False,
) -> int:
    faults = [f"{fault.level}: {fault}" for fault in run.verdict.faults]
    accepted = apply_acceptances(
        run.changes, read_acceptances(run.accept_file, run.today), run.today
    )
    level = Severity(fail_on)
    reported = [c for c in accepted.changes if all_levels or c.severity is not Severity.NONE]

    def report(name: str) -> str:
        return render(
            reported,
            name,
            old=run.old.name,
            new=run.new.name,
            notices=[*faults, *accepted.notices],
            folder=os.path.relpath(run.folder) if run.folder else "",
            fail_on=level,
            color=name == "text" and shows_colors(sys.stdout),
            partial=run.verdict.exit_status != EXIT_FINE,
        )

    for fault in faults:
        click.echo(f"tciagen: {plain(fault)}", err=True)
    if run.verdict.incomplete:
        return run.verdict.exit_status
    if output is None:
        click.echo(report(format_), nl=False)
    else:
        replace_file(output, report(format_).encode("utf-8"))
        click.echo(report("text"), nl=False)
    if run.verdict.exit_status:
        return run.verdict.exit_status
    if strict and accepted.notices:
        return EXIT_DIFFERENT
    return exit_status(reported, level)


@click.command()
@click.argument("rule_id", metavar="[ID]", required=False)
@click.option("--markdown", is_flag=True, help="Print the whole catalogue as Markdown.")
def rules(rule_id: str | None, *, markdown: bool) -> int:
    """List the drift rules, or explain one with an example."""
    if rule_id is not None:
        click.echo(rule_page(get_rule(rule_id)), nl=False)
    elif markdown:
        click.echo(catalogue_page(), nl=False)
    else:
        for rule in RULES.values():
            click.echo(f"{rule.id:30} {rule.level:13} {rule.summary}")
    return EXIT_FINE


@click.command()
@click.argument("fingerprint")
@click.option(
    "--reason", required=True, metavar="TEXT", help="Reason why the change is acceptable for now."
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Last day of the acceptance, at most 180 days ahead. Required for a breaking change.",
)
@click.option("--old", default="HEAD", show_default=True, help="Same as OLD of `diff`.")
@click.option("--new", help="Same as NEW of `diff`. Default: the configured documents.")
@_options
def accept(
    fingerprint: str,
    *,
    reason: str,
    until: datetime.datetime | None,
    old: str,
    new: str | None,
    **given: Any,
) -> int:
    """Accept a change that `diff` reports until a date.

    FINGERPRINT is the one in the report, or its beginning. The command adds an entry to
    drift-accept.toml beside the documents.
    """
    run = _Run.given(old, new, **given)
    if run.verdict.incomplete:
        for fault in run.verdict.faults:
            click.echo(f"tciagen: {plain(f'{fault.level}: {fault}')}", err=True)
        return run.verdict.exit_status
    change = accept_change(
        run.accept_file,
        fingerprint,
        run.changes,
        reason=reason,
        until=until.date() if until else None,
        today=run.today,
    )
    location = plain(f"{change.endpoint}#{change.pointer}")
    click.echo(f"{run.accept_file}: accepted {change.rule} at {location}.")
    return EXIT_FINE


@attrs.frozen(kw_only=True)
class _Run:
    """The state that ``diff`` and ``accept`` share: both sides, compared and rated."""

    old: Side
    new: Side
    verdict: Verdict
    changes: tuple[Any, ...]
    accept_file: Path
    folder: Path | None
    today: datetime.date

    @classmethod
    def given(
        cls,
        old: str,
        new: str | None,
        *,
        severities: Sequence[str],
        schema: Path | None,
        accept_file: Path | None,
        api: str | None,
        config_file: Path | None,
        api_key: str | None,
    ) -> "_Run":
        """Return the run of a command's options."""
        one = selected_api(config_file, api)
        rated = {**one.severities, **dict(map(_severity, severities))}
        one = attrs.evolve(
            one, severities=rated, schema=schema or one.schema, api_key=api_key or one.api_key
        )
        if new is None:
            new = str(config.required(one.documents, "documents"))
        if api_key is not None and not any(map(is_url, (old, new))):
            raise UsageProblem("--api-key has no effect: neither OLD nor NEW is a server. Omit it.")
        return cls.start(one, old, new, accept_file)

    @classmethod
    def start(cls, api: config.Api, old: str, new: str, accept_file: Path | None = None) -> "_Run":
        """Compare OLD and NEW with the configuration of an API."""
        rated = read_severities(api.severities)
        validator = load_validator(api.schema)
        servers = {urlsplit(location)[:2] for location in (old, new) if is_url(location)}
        own = urlsplit(api.base_url or "")[:2]

        def api_key(url: str) -> str | None:
            """Return the key for a server; of two servers only the configured one gets it."""
            return api.key_for(url) if len(servers) == 1 or urlsplit(url)[:2] == own else None

        defaults = Defaults(
            folder=api.folder,
            documents=api.documents,
            overlay=api.overlay,
            roles=api.roles,
            addresses=api.addresses,
            validator=validator,
            published=published_contract(api),
            api_key=api_key,
        )
        sides = load_sides(old, new, defaults)
        verdict = compare_sides(*sides, validator)
        folder = sides[1].folder or sides[0].folder or api.documents
        beside = folder.parent if folder else Path()
        return cls(
            old=sides[0],
            new=sides[1],
            verdict=verdict,
            changes=with_severities(verdict.changes, rated),
            accept_file=accept_file or beside / FILE_NAME,
            folder=folder,
            today=datetime.datetime.now(tz=datetime.UTC).date(),
        )


def _severity(given: str) -> tuple[str, str]:
    rule_id, equals, level = given.partition("=")
    if not equals:
        raise UsageProblem(f"--severity takes RULE=LEVEL, not {given!r}.")
    return rule_id, level
