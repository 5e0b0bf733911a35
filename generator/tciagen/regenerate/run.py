"""One run over all configured APIs: crawl, plan, write and test, all or nothing."""

import datetime
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs

from tciagen.config import Api, required
from tciagen.crawl import crawl
from tciagen.documents.schema import load_validator
from tciagen.errors import DocumentProblem, UsageProblem
from tciagen.publish import present
from tciagen.regenerate.journal import Digests, Journal, digests_of
from tciagen.regenerate.project_files import with_version
from tciagen.regenerate.release import Release, Writes, prepare
from tciagen.selection import selected_apis


@attrs.frozen(kw_only=True)
class Request:
    """The scope of a run: all APIs of a file or one of them, and optionally another server."""

    config_file: Path
    api: str | None
    base_url: str | None
    api_key: str | None = attrs.field(default=None, repr=False)
    today: datetime.date


@attrs.frozen
class Work:
    """The changes of a run, and the files that they were computed from."""

    releases: tuple[Release, ...]
    seen: Digests


def work_out(request: Request) -> Work:
    """Crawl every API and return the changes. Nothing is written.

    Raises:
        ServerProblem: An endpoint of any API is unreachable.
        DocumentProblem: A document is invalid.
        UsageProblem: The configuration is incomplete.
    """
    configuration = digests_of([request.config_file])
    apis = selected_apis(request.config_file, request.api)
    options = {"--base-url": request.base_url, "--api-key": request.api_key}
    given = [name for name, value in options.items() if value]
    if given and len(apis) > 1:
        raise UsageProblem(f"Specify with --api the API that {' and '.join(given)} is for.")
    crawls = []
    for api in apis:
        base_url = request.base_url or required(api.base_url, "base-url")
        addresses = required(api.addresses, "addresses")
        key = attrs.evolve(api, api_key=request.api_key).key_for(base_url)
        crawls.append(crawl(base_url, addresses, load_validator(api.schema), api_key=key))
    for result in crawls:
        result.require_complete()
    seen = {**configuration, **digests_of(path for api in apis for path in _files(api))}
    releases = tuple(
        prepare(api, result.documents, request.today)
        for api, result in zip(apis, crawls, strict=True)
    )
    return Work(releases, seen)


def write(config_file: Path, work: Work, journal: Journal) -> tuple[Path, ...]:
    """Write the changes of the releases, and run the tests; return the files.

    Raises:
        DocumentProblem: the tests of a package fail; everything is as it was before.
        UsageProblem: a test command cannot be run, or a file was edited meanwhile.
    """
    releases = work.releases
    writes = dict(_all_writes(config_file, releases))
    if writes:
        with journal.write_all(writes, work.seen):
            for release in releases:
                if release.writes:
                    run_tests(release.api, config_file.parent)
    return tuple(writes)


def run_tests(api: Api, folder: Path) -> None:
    """Run the API's tests, or import its package, in a fresh process.

    The package's ``src`` folder is first on PYTHONPATH, and the interpreter's own
    folder first on PATH.

    Raises:
        DocumentProblem: They fail; their output is on stderr.
        UsageProblem: the command cannot be run.
    """
    package = required(api.package, "package")
    source = required(api.output, "output").resolve() / "src"
    importing = [sys.executable, "-P", "-c", f"import {package}, {package}.models"]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")])),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        command = shlex.split(api.test) if api.test else importing
        done = subprocess.run(  # noqa: S603 - the owner's own command, no shell
            command, cwd=folder, env=environment, stdout=sys.stderr, check=False
        )
    except (OSError, ValueError) as error:
        raise UsageProblem(
            f"The tests of {api.name} cannot be run: {api.test}: {error}."
        ) from error
    if done.returncode != 0:
        failed = f"`{api.test}`" if api.test else f"`import {package}`"
        raise DocumentProblem(
            f"The regenerated {package} fails its tests ({failed}, exit status {done.returncode})."
        )


def _files(api: Api) -> Iterator[Path]:
    """Yield the files of an API that a run reads and may write."""
    output = required(api.output, "output")
    yield api.changelog_file()
    yield from required(api.documents, "documents").glob("*/*.json")
    yield from (output / path for path in present(output))


def _all_writes(config_file: Path, releases: tuple[Release, ...]) -> Writes:
    writes: dict[Path, bytes | None] = {}
    config = before = config_file.read_bytes().decode("utf-8")
    for release in releases:
        writes |= release.writes
        if release.api.version != release.version_before:
            config = with_version(config, config_file, release.api.name, release.api.version)
    if config != before:
        writes[config_file] = config.encode("utf-8")
    return writes
