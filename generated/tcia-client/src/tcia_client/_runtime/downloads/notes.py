"""What the journal of a part says: what it is a part of, and which members of it are whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import attrs

from .zip_format import Member

_FORMAT = 1
_LONGEST_VALUE = 1024


@attrs.frozen(kw_only=True)
class Head:
    """What a part belongs to, and what the server said of the whole.

    Attributes:
        url: Address asked for; it holds no secret.
        kind: What it becomes: ``folder``, ``zip`` or ``file``.
        names: What the files in a folder are called, see :class:`.options.DownloadOptions`.
        validator: What the server told to go on with it by.
        total: Bytes of the whole, None if that is not known.
        image_count: The ``imageCount`` header.
    """

    url: str
    kind: str
    names: str
    validator: str
    total: int | None
    image_count: str

    def line(self) -> dict[str, Any]:
        """As it stands in the journal."""
        return {"format": _FORMAT, **attrs.asdict(self)}

    @classmethod
    def read(cls, line: Mapping[str, Any], *, url: str, kind: str, names: str) -> Self | None:
        """From a journal; None if it is not of this download."""
        values: dict[str, Any] = {field.name: line.get(field.name) for field in attrs.fields(cls)}
        total = values["total"]
        texts = [values[name] for name in ("validator", "image_count")]
        if (
            line.get("format") != _FORMAT
            or (values["url"], values["kind"], values["names"]) != (url, kind, names)
            or not (total is None or type(total) is int)
            or not all(isinstance(text, str) and len(text) <= _LONGEST_VALUE for text in texts)
            or not values["validator"]
        ):
            return None
        return cls(**values)


@attrs.frozen
class Written:
    """A member of an archive that is whole on disk.

    Attributes:
        member: What it was in the archive.
        path: Where it stands in the folder.
        end: The byte of the archive behind it.
    """

    member: Member
    path: Path
    end: int

    def line(self) -> dict[str, Any]:
        """As it stands in the journal."""
        values = attrs.asdict(self.member)
        values["raw_name"] = self.member.raw_name.decode("latin-1")
        return {**values, "path": self.path.as_posix(), "end": self.end}

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> Self | None:
        """From a journal; None if it cannot be read."""
        raw_name, path = line.get("raw_name"), line.get("path")
        numbers: dict[str, Any] = {
            field.name: line.get(field.name)
            for field in attrs.fields(Member)
            if field.name != "raw_name"
        }
        end = line.get("end")
        if (
            not isinstance(raw_name, str)
            or not isinstance(path, str)
            or type(end) is not int
            or not all(type(number) is int and number >= 0 for number in numbers.values())
        ):
            return None
        return cls(Member(raw_name.encode("latin-1", "replace"), **numbers), Path(path), end)
