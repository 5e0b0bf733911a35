"""Columns of a table that a person has, matched with the parameters of an endpoint.

A column may be named as the keyword (``series_instance_uid``), as the query key or DICOM
keyword (``SeriesInstanceUID``), or as NBIA labels a UID (``Series UID``, without
*Instance*). Letter case, blanks and punctuation do not count.
"""

from collections.abc import Iterable, Mapping, Sequence

from ..endpoint import Parameter
from ..naming import fold


class AmbiguousColumnsError(ValueError):
    """Two columns are named as the same parameter."""

    def __init__(self, parameter: str, first: str, second: str) -> None:
        super().__init__(f"columns {first!r} and {second!r} both name {parameter}; keep one")
        self.column = second


def spellings(parameters: Iterable[Parameter]) -> Mapping[str, str]:
    """Return the keyword of each parameter by every folded spelling of it."""
    known: dict[str, str] = {}
    labels: dict[str, str] = {}
    for parameter in parameters:
        names = (parameter.python_name, parameter.name, parameter.dicom_keyword)
        for name in filter(None, names):
            known.setdefault(fold(name), parameter.python_name)
            if parameter.kind == "uid":
                labels.setdefault(fold(name).replace("instance", ""), parameter.python_name)
    return {**labels, **known}


def match_columns(known: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Return the position of each parameter's column among these names.

    Args:
        known: What :func:`spellings` returned.
        names: The names of the columns.

    Raises:
        AmbiguousColumnsError: Two columns name the same parameter.
    """
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        keyword = known.get(fold(name))
        if keyword is None:
            continue
        if keyword in found:
            raise AmbiguousColumnsError(keyword, names[found[keyword]], name)
        found[keyword] = position
    return found


def missing(keyword: str, names: Sequence[str]) -> str:
    """Return what to say of columns none of which is a parameter's."""
    listed = ", ".join(map(repr, names[:8])) + ", …" * (len(names) > 8)
    return f"none of the columns {listed} is {keyword}"
