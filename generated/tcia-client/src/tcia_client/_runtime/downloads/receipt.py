"""What a download wrote: a list in its folder, or beside its file, by which it is known again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, cast

import attrs

from ..http.request import Request

NAME = ".download.json"
"""Of the list in a folder; of one beside a file it is the end."""

_FORMAT = 1
_LONGEST = 64 * 1024 * 1024


def inventory_path(path: Path, *, folder: bool) -> Path:
    """Where the list of what stands at a path is."""
    return path / NAME if folder else path.with_name(f".{path.name}{NAME}")


@attrs.frozen
class Inventory:
    """The files of a download that came to its end.

    Attributes:
        asked: What was asked for: the endpoint's address, and the values by their names.
        names: What the files are called, see :class:`.options.DownloadOptions`.
        whole: Whether nothing differed from what was asked for.
        counted: Whether something stated how many files there should be.
        files: Their sizes in bytes by their names in the folder.
    """

    asked: Mapping[str, str]
    names: str
    whole: bool
    counted: bool
    files: Mapping[str, int]

    def is_whole(self, request: Request) -> bool:
        """Return whether it lists all files of a request."""
        return self.whole and self.asked == asked_by(request)

    def write(self, path: Path) -> None:
        """Write it.

        Raises:
            OSError: It cannot be written.
        """
        text = json.dumps({"format": _FORMAT, **attrs.asdict(self)}, separators=(",", ":"))
        path.write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read it; None if there is none, or what is there makes no sense."""
        try:
            with path.open("rb") as file:
                document: object = json.loads(file.read(_LONGEST))
        except (OSError, ValueError, RecursionError):
            return None
        if not isinstance(document, dict):
            return None
        values = cast("dict[str, Any]", document)
        files = values.get("files")
        if values.get("format") != _FORMAT or not isinstance(files, dict):
            return None
        sizes = cast("dict[str, object]", files)
        if not all(type(size) is int and _is_plain(name) for name, size in sizes.items()):
            return None
        asked, names = values.get("asked"), values.get("names")
        if not isinstance(asked, dict) or not isinstance(names, str):
            return None
        return cls(
            asked=cast("dict[str, str]", asked),
            names=names,
            whole=values.get("whole") is True,
            counted=values.get("counted") is True,
            files=cast("dict[str, int]", files),
        )


def asked_by(request: Request) -> dict[str, str]:
    """What a request asks for, wherever the server stands."""
    given = request.arguments.values.items()
    values = {name: str(value) for name, value in given if value is not None}
    return {"endpoint": request.endpoint.address, **values}


def _is_plain(name: str) -> bool:
    """Whether it names something below its folder."""
    path = Path(name)
    return not path.anchor and ".." not in path.parts
