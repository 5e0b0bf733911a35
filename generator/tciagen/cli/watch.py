"""The command ``watch``: generate again on each change of an input."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import attrs
import click
from watchfiles import awatch

from tciagen import config, pipeline, publish
from tciagen.cli.errors import run_safely
from tciagen.cli.options import config_options
from tciagen.client_runtime import templates_folder
from tciagen.config import Api, required
from tciagen.errors import EXIT_INTERRUPTED, TciagenError
from tciagen.selection import selected_apis

_TICK = 500
"""Milliseconds after which the watchers report, with or without changes."""


@attrs.frozen
class Inputs:
    """The inputs of a distribution: single files, and folders with everything below."""

    files: frozenset[Path]
    folders: frozenset[Path]

    @classmethod
    def of(cls, config_file: Path, apis: Iterable[Api]) -> "Inputs":
        """Return the inputs of the APIs.

        Raises:
            UsageProblem: An API has no documents folder.
        """
        files, folders = {config_file}, {templates_folder()}
        for api in apis:
            folders.add(required(api.documents, "documents"))
            optional = (api.overlay, api.schema, api.changelog_file())
            files.update(path for path in optional if path is not None)
        return cls(frozenset(p.resolve() for p in files), frozenset(p.resolve() for p in folders))

    def concern(self, path: Path) -> bool:
        """Return whether a changed path is an input, not a file of an editor or a cache."""
        if path in self.files:
            return True
        for folder in self.folders:
            if path.is_relative_to(folder):
                parts = path.relative_to(folder).parts
                return not any(part.startswith(".") or part == "__pycache__" for part in parts)
        return False


@click.command()
@config_options
def watch(config_file: Path | None, api: str | None) -> int:
    """Generate again on each change of documents, templates, overlay or configuration.

    The command prints errors and continues. Ctrl-C interrupts it (exit status 130).
    """
    return asyncio.run(_watch(config.config_path(config_file).resolve(), api))


async def _watch(path: Path, api: str | None) -> int:
    inputs = Inputs.of(path, selected_apis(path, api))
    while True:
        started = False
        async for changed in _changes(inputs):
            # The first report means that the watchers run.
            if started and not any(map(inputs.concern, changed)):
                continue
            if not started:
                click.echo(f"watching {_count(inputs)}; Ctrl-C interrupts it")
                started = True
            if run_safely(lambda: _generate(path, api)) == EXIT_INTERRUPTED:
                return EXIT_INTERRUPTED
            current = _inputs_now(path, api) or inputs
            if current != inputs:
                inputs = current
                break


async def _changes(inputs: Inputs) -> AsyncIterator[set[Path]]:
    """Yield the changed paths every half second, the first time at once."""
    folders = filter(Path.is_dir, inputs.folders)
    beside = filter(Path.is_dir, {file.parent for file in inputs.files})
    watchers = [
        awatch(*folders, watch_filter=None, rust_timeout=_TICK, yield_on_timeout=True),
        awatch(
            *beside, recursive=False, watch_filter=None, rust_timeout=_TICK, yield_on_timeout=True
        ),
    ]
    while True:
        batches = await asyncio.gather(*map(anext, watchers))
        yield {Path(path) for batch in batches for _, path in batch}


def _inputs_now(path: Path, api: str | None) -> Inputs | None:
    """Return the inputs as configured now, or None if the configuration is invalid."""
    try:
        return Inputs.of(path, selected_apis(path, api))
    except TciagenError:
        return None


def _generate(path: Path, api: str | None) -> None:
    for one in selected_apis(path, api):
        output = required(one.output, "output")
        done = publish.publish(pipeline.make_plan(one).files, output)
        for file in done.written:
            click.echo(f"written {os.path.relpath(output / file)}")
        for file in done.deleted:
            click.echo(f"deleted {os.path.relpath(output / file)}")
        click.echo(f"{one.name}: {len(done.written)} written, {done.unchanged} unchanged")


def _count(inputs: Inputs) -> str:
    return f"{len(inputs.folders)} folders and {len(inputs.files)} files"
