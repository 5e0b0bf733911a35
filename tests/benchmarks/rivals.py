"""Compares drift detection with other tools on the single changes of the drift benchmark.

Run: python tests/benchmarks/rivals.py

Each change is written before and after, in the language of each tool, by the projections in
``rival_tools``. A change whose texts are equal, or which only our documents can express, is
counted separately and not as missed. The first run installs the tools from their registries
into ``.work/rivals``; the table reports and leaves out unavailable ones.

seen       of the breaking and dangerous changes: those that the tool reports at all
harmless   of all others, with the controls that change nothing: those reported as breaking
severity   of all changes: those rated breaking, dangerous or harmless as expected. Of a tool
           with two levels, either of them is correct for a dangerous change
no text    changes that the tool's language cannot express
ms         median time of one comparison, from the files to the verdict, in a running
           process; buf and the second row of tciagen are commands, with their start
"""

import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import attrs

from tciagen.drift.levels import Severity

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.benchmarks.rival_tools import graphql, judges, openapi, protobuf, python_module  # noqa: E402
from tests.benchmarks.rival_tools.cases import (  # noqa: E402
    Case,
    Written,
    all_cases,
    write_documents,
    write_projected,
)
from tests.benchmarks.rival_tools.install import (  # noqa: E402
    UnavailableError,
    install_griffe,
    install_node_tools,
    versions,
)
from tests.benchmarks.rival_tools.judges import Verdict  # noqa: E402

WORK = ROOT / ".work" / "rivals"
NODE = WORK / "node"
ROW = "{:18} {:9} {:>7} {:>9} {:>9} {:>7} {:>8}"
COMMANDS = 8
"""Number of changes to time the command of tciagen."""

Judge = Callable[[Sequence[Written]], Iterator[Verdict]]


@attrs.frozen
class Tool:
    """A tool and the projection into its language; ``levels`` is the number of its levels."""

    name: str
    language: str
    levels: int
    install: Callable[[], None]
    write: Callable[[list[Case], Path], list[Written]]
    judge: Judge


def tools() -> list[Tool]:
    """Return tciagen and the other tools."""
    install_node = partial(install_node_tools, NODE)
    return [
        Tool("tciagen", "metadata", 3, lambda: None, write_documents, judges.ours),
        Tool(
            "graphql-inspector",
            "GraphQL",
            3,
            install_node,
            partial(write_projected, file="query.graphql", project=graphql.project),
            partial(judges.node, folder=NODE, script="graphql_inspector.cjs"),
        ),
        Tool(
            "Optic",
            "OpenAPI",
            2,
            install_node,
            partial(write_projected, file="openapi.json", project=openapi.project),
            partial(judges.node, folder=NODE, script="optic.cjs"),
        ),
        Tool(
            "buf",
            "Protobuf",
            2,
            install_node,
            partial(write_projected, file="query.proto", project=protobuf.project),
            partial(judges.buf, folder=NODE),
        ),
        Tool(
            "griffe",
            "Python",
            2,
            partial(install_griffe, WORK / "python"),
            partial(write_projected, file="client.py", project=python_module.project),
            judges.griffe,
        ),
    ]


def main() -> None:
    """Print the table, then the changes that each tool missed."""
    cases = all_cases()
    matter = sum(case.matters for case in cases)
    print(f"{len(cases)} single changes: {matter} matter, {len(cases) - matter} are harmless")
    print(f"versions: {', '.join(versions())}")
    print(ROW.format("", "language", "seen", "harmless", "severity", "no text", "ms"))
    notes: list[str] = []
    broken: dict[Callable[[], None], UnavailableError] = {}
    with tempfile.TemporaryDirectory(prefix="rivals-") as name:
        for tool in tools():
            try:
                install(tool, broken)
                written = tool.write(cases, Path(name) / tool.language)
                judged = list(zip(written, tool.judge(written), strict=True))
            except UnavailableError as error:
                notes.append(f"{tool.name} is left out: {error}")
                continue
            verdicts = [(change.case, verdict) for change, verdict in judged]
            print(row(tool, len(cases), verdicts))
            notes += mistakes(tool, verdicts)
        commands = write_documents(cases[:COMMANDS], Path(name) / "metadata")
        times = [verdict.milliseconds for verdict in judges.our_command(commands)]
        median = f"{statistics.median(times):.1f}"
        print(ROW.format("tciagen diff", "metadata", "", "", "", "", median))
    notes.append("oasdiff is left out: neither pip nor npm can install it")
    print(*notes, sep="\n")


def install(tool: Tool, broken: dict[Callable[[], None], UnavailableError]) -> None:
    """Install a tool unless the same installation of several tools has failed before."""
    if tool.install in broken:
        raise broken[tool.install]
    try:
        tool.install()
    except UnavailableError as error:
        broken[tool.install] = error
        raise


def row(tool: Tool, total: int, verdicts: list[tuple[Case, Verdict]]) -> str:
    """Return a tool's line of the table."""
    matter = [verdict for case, verdict in verdicts if case.matters]
    harmless = [verdict for case, verdict in verdicts if not case.matters]
    changes = [(case, verdict) for case, verdict in verdicts if not case.control]
    seen = f"{sum(v.seen for v in matter)}/{len(matter)}"
    alarms = f"{sum(v.level == 'breaking' for v in harmless)}/{len(harmless)}"
    right = f"{sum(rated_right(tool.levels, c, v) for c, v in changes)}/{len(changes)}"
    median = statistics.median(verdict.milliseconds for _, verdict in verdicts)
    inexpressible = total - len(verdicts)
    return ROW.format(tool.name, tool.language, seen, alarms, right, inexpressible, f"{median:.1f}")


def rated_right(levels: int, case: Case, verdict: Verdict) -> bool:
    """Return whether a verdict is the expected one on the tool's scale."""
    expected = {level_of(case.severity), level_of(case.worst)}
    return verdict.level in expected or (levels == 2 and "dangerous" in expected)


def level_of(severity: Severity) -> str:
    """Return the level of a severity of tciagen."""
    return judges.LEVELS.get(severity, "harmless")


def mistakes(tool: Tool, verdicts: list[tuple[Case, Verdict]]) -> Iterator[str]:
    """Yield the changes that a tool missed, and the harmless ones that it rated as breaking."""
    missed = [case.name for case, verdict in verdicts if case.matters and not verdict.seen]
    alarms = [c.name for c, v in verdicts if not c.matters and v.level == "breaking"]
    if missed:
        yield f"{tool.name} does not see {' '.join(missed)}"
    if alarms:
        yield f"{tool.name} calls breaking {' '.join(alarms)}"


if __name__ == "__main__":
    main()
