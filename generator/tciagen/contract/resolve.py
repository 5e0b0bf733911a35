"""Resolution of documents and overlay to a contract: the first source of a value counts.

The sources of a type are the document, the value representation of the DICOM tag, and the
overlay, in this order. Without a source, the type is undeclared, with a notice.
"""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import attrs

from tciagen.contract.dicom import type_of_tag
from tciagen.contract.model import (
    COMPUTED,
    NO_TAG,
    Attribute,
    Contract,
    Endpoint,
    Parameter,
    Result,
    Source,
    Type,
)
from tciagen.contract.overlay import Entry, Overlay, overlay_lines
from tciagen.contract.roles import Roles, check_roles, with_roles
from tciagen.documents.parsing import JsonObject
from tciagen.documents.schema import unknown_members
from tciagen.documents.validation import as_object
from tciagen.errors import DocumentProblem
from tciagen.suggestions import suggestion

_UNDECLARED = {
    "parameter": "the method accepts strings, numbers, dates and times",
    "attribute": "its values are strings",
}
"""The client's treatment of an undeclared type."""


@attrs.frozen
class Resolution:
    """A contract, and notices about its resolution."""

    contract: Contract
    notices: tuple[str, ...] = ()


def resolve(
    documents: Mapping[str, JsonObject],
    overlay: Overlay | None = None,
    *,
    roles: Roles | None = None,
    stale: bool = False,
) -> Resolution:
    """Return the contract of valid documents, keyed by address.

    Args:
        documents: The documents by address.
        overlay: Statements that the documents leave out.
        roles: Declarations of the configuration about file endpoints.
        stale: Whether overlay and roles may belong to other documents, so that they may
            contradict these or have no effect.

    Raises:
        UsageProblem: Roles do not fit the documents; all findings are reported together.
        DocumentProblem: An overlay entry contradicts a document or another entry, or has no
            effect; all findings are reported together.
    """
    reader = _Resolver(overlay or Overlay())
    contract = Contract(tuple(reader.endpoint(a, d) for a, d in sorted(documents.items())))
    if not stale:
        reader.finish()
        check_roles(contract, roles or {})
    contract = with_roles(contract, roles or {})
    return Resolution(contract, tuple(reader.notices))


class _Resolver:
    def __init__(self, overlay: Overlay) -> None:
        self.overlay = overlay
        self.used: set[tuple[int, str]] = set()
        self.matched: set[int] = set()
        self.members: dict[tuple[str, str], set[str]] = {}
        self.problems: list[str] = []
        self.notices: list[str] = []

    def endpoint(self, address: str, document: JsonObject) -> Endpoint:
        declared = frozenset(document) & {"Formats", "DefaultFormat", "Deprecated", "ReplacedBy"}
        values = self._filled(
            address,
            "endpoint",
            "",
            {
                "formats": _tuple(document.get("Formats")),
                "default_format": document.get("DefaultFormat"),
            },
        )
        unknown = unknown_members(document)
        self.notices += [f"{address}{p}: the schema does not know this member" for p in unknown]
        formats = _tuple(values.get("formats"))
        default = values.get("default_format")
        if default is None and formats is not None and len(formats) == 1:
            default = formats[0]
        result = document["Result"]
        endpoint = Endpoint(
            resource=address.split("/", 1)[0],
            name=document["QueryName"],
            description=document["Description"],
            parameters=tuple(self._parameter(address, p) for p in document["Parameters"]),
            formats=formats,
            default_format=default,
            deprecated=document.get("Deprecated", False),
            replaced_by=document.get("ReplacedBy"),
            result=Result(
                name=result["Name"],
                description=result["Description"],
                attributes=tuple(self._attribute(address, a) for a in result["Attributes"]),
                python_name=values.get("class"),
            ),
            python_name=values.get("name"),
            declared=declared,
            unknown_members=unknown,
        )
        self._unambiguous(endpoint)
        if default is not None and formats is not None and default not in formats:
            self.problems.append(
                f"the default format {default} of {address} is not one of its formats:"
                f" {', '.join(formats)}"
            )
        if not endpoint.returns_file and not endpoint.result.attributes:
            self.problems.append(
                f"{address} returns records, by its formats, but describes no attribute of them"
            )
        if formats is None:
            kind = "a file" if endpoint.returns_file else "records"
            value = ["ZIP"] if endpoint.returns_file else ["JSON"]
            self.notices.append(
                f"{address}: no document states the formats, so the generator assumes that the"
                f" endpoint returns {kind}. To state them, add to the overlay, with the right"
                " formats:\n" + overlay_lines(address, "formats", value)
            )
        return endpoint

    def _unambiguous(self, endpoint: Endpoint) -> None:
        """Report an alias that is another attribute's name or alias."""
        attributes = endpoint.result.attributes
        holders = {attribute.name: attribute.name for attribute in attributes}
        for attribute in attributes:
            for alias in attribute.aliases:
                holder = holders.setdefault(alias, attribute.name)
                if holder != attribute.name:
                    self.problems.append(
                        f"the alias {alias} of the attribute {attribute.name} of"
                        f" {endpoint.address} already belongs to the attribute {holder}"
                    )

    def _parameter(self, address: str, document: JsonObject | str) -> Parameter:
        # The schema has a default for Required: an object without it declares false.
        implied = set() if isinstance(document, str) else {"Required"}
        document = as_object(document)
        name = document["Name"]
        declared = frozenset(document) | implied
        values = self._filled(
            address,
            "parameter",
            name,
            {
                "required": document.get("Required"),
                "type": document.get("Type"),
                "dicom": _tag(document.get("DICOM")),
                "allowed_values": _tuple(document.get("AllowedValues")),
                "default": document.get("Default"),
                "description": document.get("Description"),
                "example": document.get("Example"),
            },
        )
        type_, source = self._type(address, "parameter", name, document, values)
        return Parameter(
            name=name,
            description=values.get("description") or "",
            required=values.get("required") or False,
            type=type_,
            type_source=source,
            dicom=values.get("dicom"),
            allowed_values=_tuple(values.get("allowed_values")),
            default=values.get("default"),
            deprecated=document.get("Deprecated", False),
            example=values.get("example"),
            python_name=values.get("name"),
            declared=declared - {"Name"},
        )

    def _attribute(self, address: str, document: JsonObject) -> Attribute:
        name = document["Name"]
        values = self._filled(
            address,
            "attribute",
            name,
            {
                "optional": document.get("Optional"),
                "type": document.get("Type"),
                "dicom": _tag(document["DICOM"]),
                "allowed_values": _tuple(document.get("AllowedValues")),
                "example": document.get("Example"),
            },
        )
        type_, source = self._type(address, "attribute", name, document, values)
        # The schema has a default for Optional: an object without it declares true.
        return Attribute(
            name=name,
            description=document["Description"],
            type=type_,
            type_source=source,
            dicom=values["dicom"],
            optional=values.get("optional") is not False,
            allowed_values=_tuple(values.get("allowed_values")),
            deprecated=document.get("Deprecated", False),
            example=values.get("example"),
            python_name=values.get("name"),
            aliases=_tuple(values.get("aliases")) or (),
            declared=(frozenset(document) | {"Optional"}) - {"Name"},
        )

    def _type(
        self, address: str, kind: str, name: str, document: JsonObject, values: Mapping[str, Any]
    ) -> tuple[Type, Source]:
        if "Type" in document:
            return Type(document["Type"]), Source.DOCUMENT
        tag = values.get("dicom")
        if tag not in (None, NO_TAG, COMPUTED):
            stated = type_of_tag(tag)
            if stated is not None:
                if values.get("type") is not None:
                    self.problems.append(
                        f"the tag {tag} of {kind} {name} of {address} states the type {stated};"
                        " delete `type` from the entry"
                    )
                return stated, Source.TAG
        if values.get("type") is not None:
            return Type(values["type"]), Source.OVERLAY
        self.notices.append(
            f"{address}: no document states the type of {kind} {name}; {_UNDECLARED[kind]}."
            " To state it, add to the overlay, with the right type:\n"
            + overlay_lines(address, "type", Type.STRING.value, **{kind: name})
        )
        return Type.STRING, Source.ASSUMED

    def _filled(
        self, address: str, kind: str, member: str, stated: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the statements of a document, completed by the entries that match."""
        self.members.setdefault((kind, address), set()).add(member)
        filled: dict[str, Entry] = {}
        for entry in self.overlay.entries:
            if not entry.matches(address, kind, member):
                continue
            self.matched.add(entry.number)
            for key, value in entry.values.items():
                if key in filled:
                    self.problems.append(f"{entry} and {filled[key]} both set {key} for {address}")
                    self.used.add((entry.number, key))
                elif stated.get(key) is None:
                    stated[key] = value
                    filled[key] = entry
                    self.used.add((entry.number, key))
        for entry in self.overlay.entries:
            exact = entry.endpoint == address and entry.matches(address, kind, member)
            for key, value in entry.values.items() if exact else ():
                if key not in filled and stated.get(key) is not None:
                    self.problems.append(_overruled(entry, key, stated[key], value))
                    self.used.add((entry.number, key))
        return stated

    def finish(self) -> None:
        for entry in self.overlay.entries:
            unused = [key for key in entry.values if (entry.number, key) not in self.used]
            if entry.number not in self.matched:
                self.problems.append(f"{entry} matches nothing: {self._why_unmatched(entry)}")
            elif unused:
                what = "the entry" if len(unused) == len(entry.values) else "it from the entry"
                self.problems.append(
                    f"{entry}: the documents state {', '.join(unused)} already; delete {what}"
                )
        if self.problems:
            where = f"{self.overlay.where}: " if self.overlay.entries else ""
            lines = "\n".join(f"{where}{p}" for p in self.problems)
            raise DocumentProblem(lines)

    def _why_unmatched(self, entry: Entry) -> str:
        """Return why an entry matches nothing, and the closest name."""
        addresses = {address for kind, address in self.members if kind == "endpoint"}
        matched = {a for a in addresses if fnmatchcase(a, entry.endpoint)}
        if not matched:
            return f"there is no endpoint {entry.endpoint}{suggestion(entry.endpoint, addresses)}"
        known = {
            kind: set().union(*(self.members.get((kind, a), set()) for a in matched))
            for kind in ("parameter", "attribute")
        }
        other = "attribute" if entry.kind == "parameter" else "parameter"
        reason = f"{entry.endpoint} has no {entry.kind} {entry.member}"
        if entry.member in known[other]:
            return f"{reason}; write `{other} = …`, which has this name"
        return reason + suggestion(entry.member, known[entry.kind])


def _overruled(entry: Entry, key: str, stated: object, value: object) -> str:
    stated, value = (list(v) if isinstance(v, tuple) else v for v in (stated, value))
    if stated == value:
        return f"{entry}: the document states {key} = {stated!r} already; delete it from the entry"
    return (
        f"{entry}: the document states {key} = {stated!r}, and an overlay cannot override it"
        f" with {value!r}; delete it from the entry"
    )


def _tag(tag: str | None) -> str | None:
    return tag if tag is None or tag in (NO_TAG, COMPUTED) else tag.upper()


def _tuple(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
