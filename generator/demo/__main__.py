"""Run the main job and print a line for each step: ``python generator/demo``."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import click

from tciagen import crawl, pipeline, publish
from tciagen.archive.demo import build_demo
from tciagen.archive.running import running_archive
from tciagen.cli.errors import run_safely
from tciagen.config import Api, read_config, required
from tciagen.errors import ServerProblem

API = "tcia-v3"
Result = TypeVar("Result")


class Screen:
    """Prints one line for each step, with the time that it took."""

    def __init__(self) -> None:
        self.started = perf_counter()

    def step(
        self, name: str, work: Callable[[], Result], summary: Callable[[Result], str]
    ) -> Result:
        """Run one step and print its summary."""
        begin = perf_counter()
        result = work()
        self.line(name, summary(result), begin)
        return result

    def line(self, name: str, text: str, begin: float) -> None:
        """Print a line that ends in the seconds since ``begin``."""
        click.echo(f"{name:<9} {text:<76} {perf_counter() - begin:6.2f} s")


def main_job(root: Path) -> None:
    """Archive, crawl, generate, publish, import, query, download."""
    screen = Screen()
    api = read_config(root / "pyproject.toml")[API]
    demo = screen.step(
        "archive",
        lambda: build_demo(root / ".work" / "archive"),
        lambda d: f"{d.series} series in {d.images:,} DICOM files, {d.size / 1e6:.1f} MB",
    )
    with running_archive(demo.catalog) as server:
        click.echo(f"{'serve':<9} {server.base_url}")
        crawled = screen.step(
            "crawl",
            lambda: _crawl(api, server.base_url),
            lambda changed: _crawled(len(api.addresses), len(changed)),
        )
        plan = screen.step("generate", lambda: pipeline.make_plan(api), _planned)
        output = required(api.output, "output")
        published = screen.step(
            "publish", lambda: publish.publish(plan.files, output), lambda p: _published(p, output)
        )
        screen.step(
            "query",
            lambda: _query(output / "src", server.base_url),
            lambda count: f"{count} endpoints queried",
        )
    if crawled or published.written or published.deleted:
        screen.line("done", "something changed; look at it with `git diff`", screen.started)
    else:
        screen.line(
            "done", "nothing changed: documents and source are as they were", screen.started
        )


def _crawl(api: Api, base_url: str) -> list[str]:
    result = crawl.crawl(base_url, api.addresses)
    changed = crawl.write_documents(result.documents, required(api.documents, "documents"))
    result.require_complete()
    return changed


def _crawled(count: int, changed: int) -> str:
    same = "all as committed" if not changed else f"{changed} changed"
    return f"metadata of {count} endpoints, valid against the schema; {same}"


def _planned(plan: pipeline.Plan) -> str:
    endpoints = plan.contract.endpoints
    parameters = sum(len(e.parameters) for e in endpoints)
    attributes = sum(len(e.result.attributes) for e in endpoints)
    return (
        f"{len(endpoints)} endpoints, {parameters} parameters, {attributes} attributes;"
        " formatted, past the gate"
    )


def _published(done: publish.Published, output: Path) -> str:
    return (
        f"{os.path.relpath(output)}: {len(done.written)} files written,"
        f" {done.unchanged} unchanged, {len(done.deleted)} deleted"
    )


def _query(source: Path, base_url: str) -> int:
    """Run ``queries.py`` in a fresh interpreter; return the number of queried endpoints."""
    environment = {**os.environ, "PYTHONPATH": str(source), "TCIA_BASE_URL": base_url}
    process = subprocess.run(  # noqa: S603 - our own module, no shell
        [sys.executable, "-P", str(Path(__file__).with_name("queries.py"))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        output = process.stderr.strip().splitlines() or ["no output"]
        raise ServerProblem(f"The generated client failed: {output[-1]}")
    lines = [json.loads(line) for line in process.stdout.splitlines()]
    for endpoint, result in lines:
        click.echo(f"          {endpoint:<30} {result}")
    return len(lines) - 1


if __name__ == "__main__":
    sys.exit(run_safely(lambda: main_job(Path.cwd())))
