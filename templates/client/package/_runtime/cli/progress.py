"""Downloads as bars on a terminal, nothing elsewhere."""

import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from ..display import cut, visible
from ..downloads.public import ManyProgress


class Display:
    """Shows nothing."""

    def one(self, done: int, total: int | None) -> None:
        """Show how far the only download is, in bytes."""

    def many(self, progress: ManyProgress) -> None:
        """Show how far one of many downloads is, and all of them."""


class _Bars(Display):
    def __init__(self, progress: Any, titles: Sequence[str]) -> None:
        self._progress = progress
        self._titles = titles
        self._tasks: dict[int, Any] = {}
        self._whole: Any = None

    def _show(self, place: int, done: int, total: int | None) -> None:
        if place not in self._tasks:
            title = cut(visible(self._titles[place]), 40)
            self._tasks[place] = self._progress.add_task(title, amount="")
        self._progress.update(
            self._tasks[place], completed=done, total=total, amount=f"{done / 1e6:,.1f} MB"
        )

    def one(self, done: int, total: int | None) -> None:
        self._show(0, done, total)

    def many(self, progress: ManyProgress) -> None:
        if self._whole is None:
            self._whole = self._progress.add_task("all", total=progress.count, amount="")
        self._show(progress.index, progress.bytes, progress.total)
        if progress.done:
            self._progress.remove_task(self._tasks.pop(progress.index))
        self._progress.update(
            self._whole,
            completed=progress.finished,
            amount=f"{progress.finished} of {progress.count}, {progress.all_bytes / 1e6:,.1f} MB",
        )


@contextmanager
def progress_display(titles: Sequence[str]) -> Generator[Display]:
    """A display on stderr for downloads with these titles."""
    if not sys.stderr.isatty():
        yield Display()
        return
    from rich.console import Console  # noqa: PLC0415 - late on purpose
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[amount]}", markup=False),
        console=Console(stderr=True),
        transient=True,
    ) as progress:
        yield _Bars(progress, titles)
