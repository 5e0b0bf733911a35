"""What other tools make of the single changes of the drift benchmark, in their languages.

Run: python tests/benchmarks/rivals.py

Each change is written twice, as it was and as it is, in the language of each tool; how is
told by the projections in ``rival_tools``. A change whose texts are equal, or which only our
documents can express, is counted apart and is no miss. The tools come from their registries
into ``.work/rivals`` when this is first run; one that cannot be had is told and left out.

seen       of the changes that are breaking or dangerous: those of which the tool says anything
harmless   of all others, with the controls that change nothing: those that it calls breaking
severity   of all changes: those rated breaking, dangerous or harmless as expected. A tool that
           knows two levels is right with either of them for a dangerous change
ms         median time of one comparison, from the files to the verdict, in a process that
           runs already; buf and the second row of ours are commands, with their start
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
"""Changes that are enough to time a command of ours."""

Judge = Callable[[Sequence[Written]], Iterator[Verdict]]


@attrs.frozen
class Tool:
    """A tool and how its language is written; ``levels`` are those that it can rate."""

    name: str
    language: str
    levels: int
    install: Callable[[], None]
    write: Callable[[list[Case], Path], list[Written]]
    judge: Judge


def tools() -> list[Tool]:
    """Return ours and the others."""
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
    """Print the table, then what each tool missed."""
    cases = all_cases()
    matter = sum(case.matters for case in cases)
    print(f"{len(cases)} single changes: {matter} matter, {len(cases) - matter} are harmless")
    print(f"versions: {', '.join(versions())}")
    print(ROW.format("", "language", "seen", "harmless", "severity", "unsaid", "ms"))
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
            notes += told(tool, verdicts)
        commands = write_documents(cases[:COMMANDS], Path(name) / "metadata")
        times = [verdict.milliseconds for verdict in judges.our_command(commands)]
        median = f"{statistics.median(times):.1f}"
        print(ROW.format("tciagen diff", "metadata", "", "", "", "", median))
    notes.append("oasdiff is left out: neither pip nor npm can install it")
    print(*notes, sep="\n")


def install(tool: Tool, broken: dict[Callable[[], None], UnavailableError]) -> None:
    """Install a tool unless the same installation, of several tools, has failed already."""
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
    unsaid = total - len(verdicts)
    return ROW.format(tool.name, tool.language, seen, alarms, right, unsaid, f"{median:.1f}")


def rated_right(levels: int, case: Case, verdict: Verdict) -> bool:
    """Whether a verdict is the expected one on the tool's own scale."""
    expected = {level_of(case.severity), level_of(case.worst)}
    return verdict.level in expected or (levels == 2 and "dangerous" in expected)


def level_of(severity: Severity) -> str:
    """Return the level among three that a severity of ours is."""
    return judges.LEVELS.get(severity, "harmless")


def told(tool: Tool, verdicts: list[tuple[Case, Verdict]]) -> Iterator[str]:
    """Yield which changes a tool missed and which it called breaking though harmless."""
    missed = [case.name for case, verdict in verdicts if case.matters and not verdict.seen]
    alarms = [c.name for c, v in verdicts if not c.matters and v.level == "breaking"]
    if missed:
        yield f"{tool.name} does not see {' '.join(missed)}"
    if alarms:
        yield f"{tool.name} calls breaking {' '.join(alarms)}"


if __name__ == "__main__":
    main()
