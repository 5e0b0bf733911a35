"""The report of ``tciagen archive index``: findings, and one line of numbers."""

from collections.abc import Iterator, Sequence

from tciagen.archive.scan import ScanResult

_SHOWN = 20


def report_lines(result: ScanResult) -> Iterator[str]:
    """Yield a line for each finding, at most 20 of each kind."""
    for root, rule in result.remembered:
        yield f"{str(root)!r}: collections as in the earlier scan ({rule})"
    yield from _limited(
        [f"left out {str(path)!r}: {reason}" for path, reason in result.problems], "left out"
    )
    yield from _limited(
        [f"broken link {str(path)!r}" for path in result.broken_links], "broken links"
    )
    yield from _limited(
        [f"contradiction: {one}" for one in result.contradictions], "contradictions"
    )
    yield from _limited(
        [
            f"unreadable {str(path)!r}: {reason}. The catalog retains its rows there."
            for path, reason in result.unreadable
        ],
        "unreadable",
    )
    for one in result.retained:
        yield (
            f"not removed: {one.gone} of {one.known} files below {str(one.root)!r} are absent. "
            "Check that the disk is mounted, or specify --prune to remove them from the catalog."
        )


def summary(result: ScanResult) -> str:
    """Return the numbers of a scan in one line; leave out unusual ones that are 0."""
    parts = [
        _number(result.read, "file") + " read",
        f"{result.unchanged} unchanged",
        f"{result.removed} gone",
        f"{len(result.problems)} left out",
    ]
    absent = sum(one.gone for one in result.retained)
    seldom = [
        _number(result.reassigned, "series", "") + " moved to another collection",
        _number(len(result.broken_links), "broken link"),
        _number(len(result.contradictions), "contradiction"),
        f"{len(result.unreadable)} unreadable",
        f"{absent} absent but not removed",
    ]
    parts += [part for part in seldom if not part.startswith("0 ")]
    return ", ".join(parts)


def _number(count: int, noun: str, plural: str = "s") -> str:
    return f"{count} {noun}{plural * (count != 1)}"


def _limited(lines: Sequence[str], kind: str) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if (more := len(lines) - _SHOWN) > 0:
        yield f"{more} more {kind}. Index a folder further down to list fewer at a time."
