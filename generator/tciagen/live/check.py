"""The steps of `check` that compare rows: recorded rows offline, new rows live."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from tciagen import pipeline
from tciagen.config import Api, required
from tciagen.contract.model import Contract
from tciagen.contract.resolve import resolve
from tciagen.display import count
from tciagen.documents.canonical import canonical
from tciagen.documents.folder import document_path, read_folder
from tciagen.documents.schema import load_validator
from tciagen.drift.levels import Severity
from tciagen.errors import EXIT_DIFFERENT, EXIT_FINE, DocumentProblem
from tciagen.files import replace_file
from tciagen.live.observation import Observation
from tciagen.live.proposals import type_proposals
from tciagen.live.rows import decode
from tciagen.live.sampling import Sample, sample, schema_differs
from tciagen.python.text import plain

SAMPLES = "samples"
RECORDED_ROWS = 5


def check_live(api: Api, fail_on: Severity, *, record: bool) -> int:
    """Compare a server's schema and rows with the contract; return the exit status.

    Raises:
        UsageProblem: The configuration is incomplete.
        DocumentProblem: Documents, overlay or recorded samples are invalid.
        ServerProblem: The server is unreachable.
    """
    base_url = required(api.base_url, "base-url")
    contract = resolve(pipeline.load_documents(api), pipeline.load_overlay(api)).contract
    key = api.key_for(base_url)
    name = f"the configured one ({api.schema})" if api.schema else "the published one"
    schema = schema_differs(base_url, load_validator(api.schema).schema, name, key)
    click.echo(f"{api.name}: schema: {schema or name}")
    folder = samples_folder(api)
    known = {address: _arguments(recorded) for address, recorded in _recorded(folder).items()}
    report = sample(base_url, contract, known, key)
    _report(api, report.observations, report.samples)
    endpoints = contract.by_address()
    for address, taken in report.samples.items():
        for proposal in type_proposals(endpoints[address], taken.values):
            click.echo(f"  {proposal}")
    for address in report.skipped:
        click.echo(f"  not sampled: {address}; no value is known for a required key, record one")
    if record:
        for address, taken in report.samples.items():
            _write(folder, address, taken)
        click.echo(f"{api.name}: {len(report.samples)} samples recorded in {folder}")
    return EXIT_DIFFERENT if schema else _status(report.observations, fail_on)


def check_recorded(api: Api, contract: Contract) -> int:
    """Compare recorded rows with the contract; return the exit status.

    Raises:
        DocumentProblem: A recorded sample cannot be read.
    """
    recorded = _recorded(samples_folder(api))
    endpoints = contract.by_address()
    samples = {
        address: Sample(_arguments(body), body["rows"])
        for address, body in recorded.items()
        if address in endpoints
    }
    if not samples:
        return EXIT_FINE
    found = [
        observation
        for address, taken in samples.items()
        for observation in decode(
            endpoints[address], json.dumps(taken.rows).encode(), arguments=taken.arguments
        ).observations
    ]
    # A few recorded rows cannot show that an attribute is never sent.
    reported = [o for o in found if o.rule != "wire-attr-never-sent"]
    _report(api, reported, samples)
    return _status(reported, Severity.DANGEROUS)


def samples_folder(api: Api) -> Path:
    """Return the folder of recorded rows, beside the documents."""
    return required(api.documents, "documents").parent / SAMPLES


def _report(
    api: Api,
    observations: Sequence[Observation],
    samples: Mapping[str, Sample],
) -> None:
    rows = sum(len(taken.rows) for taken in samples.values())
    result = count(len(observations), "observation") if observations else "as documented"
    click.echo(f"{api.name}: samples: {len(samples)} endpoints, {rows:,} rows: {result}")
    for observation in sorted(observations, key=lambda o: (o.level.rank, o)):
        click.echo(f"  {plain(str(observation))}")


def _status(observations: Sequence[Observation], fail_on: Severity) -> int:
    failing = fail_on is not Severity.NONE and any(
        o.level.rank <= fail_on.rank or o.level is Severity.UNKNOWN for o in observations
    )
    return EXIT_DIFFERENT if failing else EXIT_FINE


def _recorded(folder: Path) -> dict[str, Any]:
    if not any(folder.glob("*/*.json")):
        return {}
    found = read_folder(folder)
    for address, body in found.items():
        rows = body.get("rows")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            pointer = document_path(folder, address)
            raise DocumentProblem(f"{pointer}: /rows must be a list of objects; record it again.")
    return found


def _arguments(recorded: Mapping[str, Any]) -> dict[str, str]:
    arguments = recorded.get("arguments")
    return {k: str(v) for k, v in arguments.items()} if isinstance(arguments, dict) else {}


def _write(folder: Path, address: str, taken: Sample) -> None:
    rows = list(taken.rows[:RECORDED_ROWS])
    body = canonical({"arguments": dict(taken.arguments), "rows": rows})
    replace_file(document_path(folder, address), body)
