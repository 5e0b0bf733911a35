"""The commands ``crawl`` and ``validate``."""

from pathlib import Path
from typing import Any

import click

from tciagen import crawl as crawling
from tciagen.cli.options import api_options
from tciagen.config import required
from tciagen.display import count, relative
from tciagen.documents import validation
from tciagen.documents.folder import document_path, read_folder
from tciagen.documents.schema import load_validator, unknown_members
from tciagen.errors import EXIT_DOCUMENT, EXIT_FINE
from tciagen.selection import selected_apis


@click.command()
@api_options("base_url", "api_key", "endpoint", "documents", "schema")
def crawl(config_file: Path | None, api: str | None, **given: Any) -> int:
    """Fetch the metadata of every endpoint into the documents folder.

    A document that cannot be fetched or is invalid never replaces a valid one. All failures
    are reported together (exit status 4 if a server was unreachable, else 3).
    """
    for one in selected_apis(config_file, api, **given):
        base_url = required(one.base_url, "base-url")
        folder = required(one.documents, "documents")
        validator = load_validator(one.schema)
        addresses = required(one.addresses, "addresses")
        result = crawling.crawl(base_url, addresses, validator, api_key=one.key_for(base_url))
        changed = crawling.write_documents(result.documents, folder)
        for address in changed:
            click.echo(f"written {relative(document_path(folder, address))}")
        click.echo(
            f"{one.name}: {count(len(result.documents), 'document')} fetched from {base_url},"
            f" {len(changed)} written, {len(result.documents) - len(changed)} unchanged"
        )
        result.require_complete()
    return EXIT_FINE


@click.command()
@api_options("documents", "schema")
def validate(config_file: Path | None, api: str | None, **given: Any) -> int:
    """Report every violation of the schema in every document.

    Members that the schema does not know are notices. Exit status 3 if a document is
    unreadable or invalid.
    """
    status = EXIT_FINE
    for one in selected_apis(config_file, api, **given):
        folder = required(one.documents, "documents")
        validator = load_validator(one.schema)
        found = read_folder(folder)
        wrong = 0
        for address, document in found.items():
            path = relative(document_path(folder, address))
            findings = validation.validate(address, document, validator)
            wrong += bool(findings)
            for finding in findings:
                click.echo(f"{path}: {finding.violation}")
            for pointer in unknown_members(document, validator):
                click.echo(f"{path}: {pointer}: notice: the schema does not know this member")
        click.echo(f"{one.name}: {count(len(found), 'document')}, {wrong} invalid")
        if wrong:
            status = EXIT_DOCUMENT
    return status
