"""Metadata documents: one JSON file for each endpoint, as the server sent it.

A folder of documents is laid out as ``<Resource>/<QueryName>.json``. The canonical
form has sorted members, two spaces, a final newline and visible escapes for every
character that does not print, so that a change of the server is a reviewable diff.
"""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

import attrs
from jsonschema import Draft202012Validator

from tciagen import schema as schema_
from tciagen.address import QUERY_NAME, RESOURCE, address_of, name_conflicts
from tciagen.errors import DocumentProblem
from tciagen.schema import (
    Violation,
    form_validator,
    json_pointer,
    load_validator,
    violations,
)
from tciagen.store import code_digest, key_of, read_results, write_results

JsonObject = dict[str, Any]
"""A JSON object that :func:`parse` has read; its members are not yet judged."""

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024


@attrs.frozen(order=True)
class Finding:
    """One thing wrong with a document; ``rule`` is the drift rule's id."""

    address: str
    violation: Violation
    rule: str


def document_path(folder: Path, address: str) -> Path:
    """Return where the document of an endpoint stands in a folder."""
    resource, _, name = address.split("/")
    return folder / resource / f"{name}.json"


def parse(body: bytes, where: str) -> JsonObject:
    """Return the JSON object in ``body``.

    Raises:
        DocumentProblem: not UTF-8, not JSON (with line and column), no object, a
            member twice, a number that is none, a lone surrogate, or too large.
    """

    def fail(reason: str) -> NoReturn:
        raise DocumentProblem(f"{where} cannot be read: {reason}")

    def members(pairs: list[tuple[str, Any]]) -> JsonObject:
        result = dict(pairs)
        if len(result) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            fail(f"the member {json.dumps(twice)} stands twice in one object")
        return result

    def number(text: str) -> float:
        value = float(text)
        if not math.isfinite(value):
            fail(f"the number {text[:40]} is too large")
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
        fail("a text holds half of a surrogate pair")
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
    return "a text" if isinstance(value, str) else "a number"


def canonical(document: Mapping[str, Any]) -> bytes:
    """Return the document's canonical form in UTF-8."""
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True)
    if not text.replace("\n", "").isprintable():
        text = "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)
    return text.encode("utf-8") + b"\n"


def unix_lines(body: bytes) -> bytes:
    """Return a text with the line ends that it had before git converted them."""
    return body.replace(b"\r\n", b"\n")


def read_folder(folder: Path) -> dict[str, JsonObject]:
    """Return the documents below ``folder`` by address, sorted.

    Raises:
        DocumentProblem: no such folder, no document in it, or one that cannot be read;
            all unreadable ones are told together.
    """
    if not folder.is_dir():
        raise DocumentProblem(f"There is no documents folder {folder}; run `tciagen crawl` first.")
    found: dict[str, JsonObject] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*/*.json")):
        if not (RESOURCE.fullmatch(path.parent.name) and QUERY_NAME.fullmatch(path.stem)):
            problems.append(f"{path} is not named <Resource>/<QueryName>.json")
            continue
        try:
            found[address_of(path.parent.name, path.stem)] = parse(path.read_bytes(), str(path))
        except DocumentProblem as problem:
            problems.append(str(problem))
        except OSError as error:
            problems.append(f"{path} cannot be read: {error.strerror}")
    problems += [f"{folder}: {conflict}" for conflict in name_conflicts(found)]
    if problems:
        raise DocumentProblem("\n".join(problems))
    if not found:
        raise DocumentProblem(f"There is no document <Resource>/<QueryName>.json in {folder}.")
    return dict(sorted(found.items()))


def judge(
    address: str, document: object, validator: Draft202012Validator | None = None
) -> list[Finding]:
    """Return everything that keeps a document from being used, in stable order.

    Beyond the schema: an empty object, a QueryName other than the address's, a
    parameter or attribute named twice, and a DefaultFormat outside Formats. Another
    schema than the published one can allow other names, but no other form.
    """
    if document == {}:
        empty = Violation("", "{}", "a document; the server has no metadata for this endpoint")
        return [Finding(address, empty, "document-empty")]
    wrong = violations(document, validator)
    if not wrong and validator is not None and validator is not load_validator():
        wrong = violations(document, form_validator())
    found = [Finding(address, v, "document-invalid") for v in wrong]
    if isinstance(document, dict) and not found:
        found.extend(_beyond_schema(address, document))
    return sorted(found)


def _beyond_schema(address: str, document: JsonObject) -> Iterable[Finding]:
    asked = address.rsplit("/", 1)[-1]
    if document["QueryName"] != asked:
        told = Violation("/QueryName", json.dumps(document["QueryName"]), json.dumps(asked))
        yield Finding(address, told, "document-misplaced")
    places: list[tuple[tuple[str, ...], list[Any]]] = [
        (("Parameters",), document["Parameters"]),
        (("Result", "Attributes"), document["Result"]["Attributes"]),
    ]
    for path, members in places:
        first: dict[str, int] = {}
        for index, member in enumerate(members):
            name = member_name(member)
            if name in first:
                told = Violation(
                    json_pointer((*path, index)),
                    f"the name {json.dumps(name)} again",
                    f"a name of its own (element {first[name]} has this one)",
                )
                yield Finding(address, told, "name-duplicated")
            first.setdefault(name, index)
    default, formats = document.get("DefaultFormat"), document.get("Formats")
    if default is not None and formats is not None and default not in formats:
        told = Violation("/DefaultFormat", json.dumps(default), "one of " + ", ".join(formats))
        yield Finding(address, told, "default-format-unknown")


def member_name(member: str | Mapping[str, Any]) -> str:
    """Return the name of a parameter or attribute, also of one in short form."""
    return member.split(" ", 1)[0] if isinstance(member, str) else str(member["Name"])


def require_valid(
    documents: Mapping[str, JsonObject],
    validator: Draft202012Validator | None = None,
    folder: Path | None = None,
) -> None:
    """Raise one DocumentProblem that tells every finding of every document."""
    code = _code((validator or load_validator()).schema)
    keys = {
        address: key_of(code, address, json.dumps(document, sort_keys=True))
        for address, document in sorted(documents.items())
    }
    known = read_results(keys.values())
    lines = []
    valid: dict[bytes, str] = {}
    for address, key in keys.items():
        if key in known:
            continue
        where = str(document_path(folder, address)) if folder else address
        findings = judge(address, documents[address], validator)
        lines += [f"{where}: {finding.violation}" for finding in findings]
        if not findings:
            valid[key] = ""
    write_results(valid)
    if lines:
        raise DocumentProblem("\n".join(lines))


def _code(schema: object) -> str:
    """Return a digest of all that decides whether a document is valid, but the document."""
    tools = f"{version('jsonschema')} {sys.version} {json.dumps(schema, sort_keys=True)}"
    return code_digest(sys.modules[__name__], schema_, also=tools)
