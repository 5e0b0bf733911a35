"""Ctrl-C at any line of what writes files: the next call finds its way."""

import sys
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from files_client import names

SERIES = "1.2.3.4"
CLIENTS = ("sync",)
WRITING = ("part.py", "receipt.py", "job.py")


class Interruption:
    """Raises KeyboardInterrupt in front of one of the lines that write files.

    Args:
        line: Which one, counted from 0 as they are come to.
    """

    def __init__(self, line: int) -> None:
        self.left = line
        self._before = sys.gettrace()

    def __enter__(self) -> None:
        sys.settrace(self._called)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _called(self, frame: FrameType, _event: str, _value: object) -> Any:
        path = Path(frame.f_code.co_filename)
        writes = path.parent.name == "downloads" and path.name in WRITING
        return self._line if writes else None

    def _line(self, _frame: FrameType, event: str, _value: object) -> Any:
        self.left -= event == "line"
        if self.left < 0:
            sys.settrace(self._before)
            raise KeyboardInterrupt
        return self._line


# If an interrupted line would close a file, the interpreter closes it with a warning.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", ["", "a.zip"], ids=["folder", "zip"])
@pytest.mark.parametrize("tag", ["v1", None], ids=["ranges", "no ranges"])
def test_call_after_an_interruption_at_any_line_completes_the_download(
    client: Any, make: SimpleNamespace, server: Any, tmp_path: Path, tag: str | None, name: str
) -> None:
    server.replies(make.Reply(make.series_zip(1), headers={"imageCount": "1"}, tag=tag))

    def fetch(folder: Path) -> Any:
        return client.download_image(folder / name, series_instance_uid=SERIES)

    for line in range(0, 100_000, 7):
        folder = tmp_path / str(line)
        folder.mkdir()
        fetch(folder)
        (folder / "mine.txt" if name else folder / SERIES / "mine.txt").write_text("mine")
        interruption = Interruption(line)
        try:
            with interruption:
                fetch(folder)
        except KeyboardInterrupt:
            pass
        else:
            break
        place = fetch(folder).path
        assert "mine.txt" in names(folder if name else place)
        assert {path.name for path in folder.iterdir()} == {
            place.name,
            *(["mine.txt"] * bool(name)),
        }
    assert line > 50
