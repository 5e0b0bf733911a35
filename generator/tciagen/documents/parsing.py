"""Parsing of metadata documents, which are hostile input."""

import json
import math
from typing import Any, NoReturn

from tciagen.display import shorten
from tciagen.errors import DocumentProblem

JsonObject = dict[str, Any]
"""A JSON object that :func:`parse` has read; its members are not validated yet."""

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024


def parse(body: bytes, where: str) -> JsonObject:
    """Return the JSON object in ``body``.

    Raises:
        DocumentProblem: The body is not UTF-8, not JSON (with line and column), not an object,
            or too large, or has a duplicate member, an infinite number or a lone surrogate.
    """

    def fail(reason: str) -> NoReturn:
        raise DocumentProblem(f"{where} cannot be read: {reason}")

    def members(pairs: list[tuple[str, Any]]) -> JsonObject:
        result = dict(pairs)
        if len(result) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            fail(f"the member {json.dumps(twice)} is duplicated in an object")
        return result

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            fail(f"the number {shorten(text, 40)} is too large")
        return value

    if len(body) > MAX_DOCUMENT_BYTES:
        fail(f"it is larger than {MAX_DOCUMENT_BYTES:,} bytes")
    try:
        text = body.decode("utf-8")
        document = json.loads(
            text,
            object_pairs_hook=members,
            parse_constant=lambda name: fail(f"{name} is not a JSON value"),
            parse_float=number,
        )
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        fail(f"byte {error.start} is not UTF-8")
    except UnicodeEncodeError:
        fail("a string contains half of a surrogate pair")
    except json.JSONDecodeError as error:
        fail(f"line {error.lineno}, column {error.colno}: {error.msg}")
    except RecursionError:
        fail("its values are nested too deeply")
    except ValueError as error:
        fail(str(error))
    if not isinstance(document, dict):
        fail(f"it is {_kind(document)}, not an object")
    return document


def _kind(value: object) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, list):
        return "an array"
    return "a string" if isinstance(value, str) else "a number"
