"""Downloads as bars on a terminal, nothing elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..text import cut, visible

Report = Callable[[int, int | None], None]


class Display:
    """Shows nothing."""

    @contextmanager
    def file(self, title: str) -> Iterator[Report]:  # noqa: ARG002
        """Follow one file; what is yielded is told its bytes so far and in all."""
        yield lambda _done, _total: None


class _Bars(Display):
    def __init__(self, progress: Any, count: int) -> None:
        self._progress = progress
        self._count = count
        self._done = 0
        self._whole = self._add("all", total=count) if count > 1 else None

    def _add(self, title: str, total: int | None) -> Any:
        return self._progress.add_task(title, total=total, amount="")

    @contextmanager
    def file(self, title: str) -> Iterator[Report]:
        task = self._add(cut(visible(title), 40), total=None)

        def report(done: int, total: int | None) -> None:
            self._progress.update(task, completed=done, total=total, amount=f"{done / 1e6:,.1f} MB")

        try:
            yield report
        finally:
            self._progress.remove_task(task)
            self._done += 1
            if self._whole is not None:
                self._progress.update(
                    self._whole, completed=self._done, amount=f"{self._done} of {self._count}"
                )


@contextmanager
def progress_display(count: int) -> Iterator[Display]:
    """A display for so many files on stderr."""
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
        yield _Bars(progress, count)
