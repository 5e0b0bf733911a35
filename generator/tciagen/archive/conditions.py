"""Preconditions and byte ranges of a request (RFC 9110, sections 13 and 14)."""

import re
from collections.abc import Iterator

import attrs
from starlette.datastructures import Headers

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_TAGS = re.compile(rf"[ \t,]*(?:{_TAG.pattern}[ \t]*(?:,[ \t,]*|$))+")
_UNIT = re.compile(r"[ \t]*bytes[ \t]*=(.*)", re.IGNORECASE)
_SPEC = re.compile(r"([0-9]*)-([0-9]*)")
_MOST_DIGITS = 18


@attrs.frozen
class Part:
    """The bytes from ``first`` to before ``end``."""

    first: int
    end: int


class Unsatisfiable(Exception):
    """No requested range contains a byte of the file."""


def failed_precondition(headers: Headers, tag: str) -> int | None:
    """Return the status of a failed precondition of a GET or HEAD request, else None.

    Args:
        headers: Headers of the request.
        tag: Strong ETag of the representation, in quotes.
    """
    if (if_match := _joined(headers, "if-match")) is not None:
        matches = if_match.strip() == "*" or any(
            not weak and other == tag for weak, other in _tags(if_match)
        )
        if not matches:
            return 412
    if (if_none_match := _joined(headers, "if-none-match")) is not None and (
        if_none_match.strip() == "*" or any(other == tag for _, other in _tags(if_none_match))
    ):
        return 304
    return None


def requested_part(headers: Headers, tag: str, total: int) -> Part | None:
    """Return the range that a GET request specifies, None for all ``total`` bytes.

    The function ignores an invalid header, another unit and several ranges; RFC 9110
    allows this.

    Raises:
        Unsatisfiable: the ranges are valid and begin after the last byte.
    """
    header = _joined(headers, "range")
    if header is None or headers.get("if-range", tag).strip() != tag:
        return None
    if (found := _UNIT.fullmatch(header)) is None:
        return None
    specs = [spec for one in found[1].split(",") if (spec := one.strip(" \t"))]
    parsed = [_SPEC.fullmatch(spec) for spec in specs]
    if not parsed:
        return None
    parts = []
    for spec in parsed:
        if spec is None or (not spec[1] and not spec[2]):
            return None
        if spec[1] and spec[2] and _number(spec[2]) < _number(spec[1]):
            return None
        part = _part(spec[1], spec[2], total)
        if part.first < part.end:
            parts.append(part)
    if not parts:
        raise Unsatisfiable
    return parts[0] if len(parsed) == 1 else None


def _part(first: str, last: str, total: int) -> Part:
    if not first:
        return Part(max(0, total - _number(last)), total)
    return Part(_number(first), min(total, _number(last) + 1) if last else total)


def _number(digits: str) -> int:
    """Return a number, or one above any file size: int() limits the number of digits."""
    plain = digits.lstrip("0") or "0"
    return int(plain) if len(plain) <= _MOST_DIGITS else 10**_MOST_DIGITS


def _joined(headers: Headers, name: str) -> str | None:
    values = headers.getlist(name)
    return ",".join(values) if values else None


def _tags(header: str) -> Iterator[tuple[bool, str]]:
    """Yield each entity tag of a list and whether it is weak; yield nothing for an invalid list."""
    if _TAGS.fullmatch(header.strip(" \t")):
        for found in _TAG.finditer(header):
            yield bool(found[1]), found[2]
