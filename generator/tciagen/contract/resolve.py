"""Documents and overlay to contract: each question is answered once, by the first who can.

A type is told by the document, else by the DICOM tag's value representation, else
by the overlay; else it is text, with a notice.
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
from tciagen.documents.validation import member_name
from tciagen.errors import DocumentProblem
from tciagen.suggestions import suggestion

_UNDECLARED = {
    "parameter": "the method takes text, numbers, dates and times",
    "attribute": "its values come as text",
}
"""What the client does where no document and no overlay states a type."""


@attrs.frozen
class Resolution:
    """A contract, and what its reader should know of how it came about."""

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
        documents: what the server said.
        overlay: what it did not say.
        roles: what the configuration declares about file endpoints.
        stale: whether overlay and roles may have been made for other documents, so that
            they may contradict these or change nothing.

    Raises:
        UsageProblem: roles that do not fit the documents; all are reported together.
        DocumentProblem: an overlay entry that contradicts a document, stands against
            another entry, or changes nothing; all are told together.
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
        said = self._said(
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
        formats = _tuple(said.get("formats"))
        default = said.get("default_format")
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
                python_name=said.get("class"),
            ),
            python_name=said.get("name"),
            declared=declared,
            unknown_members=unknown,
        )
        self._unambiguous(endpoint)
        if default is not None and formats is not None and default not in formats:
            self.problems.append(
                f"the default format {default} of {address} is none of its formats:"
                f" {', '.join(formats)}"
            )
        if not endpoint.answers_file and not endpoint.result.attributes:
            self.problems.append(
                f"{address} answers records, by its formats, but describes no attribute of them"
            )
        if formats is None:
            kind = "a file" if endpoint.answers_file else "records"
            value = ["ZIP"] if endpoint.answers_file else ["JSON"]
            self.notices.append(
                f"{address}: no document states the formats, so the endpoint is taken to answer"
                f" {kind}. To state them, add to the overlay, with the right formats:\n"
                + overlay_lines(address, "formats", value)
            )
        return endpoint

    def _unambiguous(self, endpoint: Endpoint) -> None:
        """Tell an alias that is another attribute's name or alias: one value cannot be both."""
        attributes = endpoint.result.attributes
        holders = {attribute.name: attribute.name for attribute in attributes}
        for attribute in attributes:
            for alias in attribute.aliases:
                holder = holders.setdefault(alias, attribute.name)
                if holder != attribute.name:
                    self.problems.append(
                        f"the alias {alias} of the attribute {attribute.name} of"
                        f" {endpoint.address} stands for the attribute {holder} already"
                    )

    def _parameter(self, address: str, document: JsonObject | str) -> Parameter:
        name = member_name(document)
        if isinstance(document, str):
            mark = document[len(name) :].strip(" ()")
            document = {"Name": name, **({"Required": mark == "R"} if mark else {})}
            declared = frozenset(document)
        else:
            # The schema gives Required a default: an object without it states false.
            declared = frozenset(document) | {"Required"}
        said = self._said(
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
        type_, source = self._type(address, "parameter", name, document, said)
        return Parameter(
            name=name,
            description=said.get("description") or "",
            required=said.get("required") or False,
            type=type_,
            type_source=source,
            dicom=said.get("dicom"),
            allowed_values=_tuple(said.get("allowed_values")),
            default=said.get("default"),
            deprecated=document.get("Deprecated", False),
            example=said.get("example"),
            python_name=said.get("name"),
            declared=declared - {"Name"},
        )

    def _attribute(self, address: str, document: JsonObject) -> Attribute:
        name = document["Name"]
        said = self._said(
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
        type_, source = self._type(address, "attribute", name, document, said)
        # The schema gives Optional a default, so an object without it states true.
        return Attribute(
            name=name,
            description=document["Description"],
            type=type_,
            type_source=source,
            dicom=said["dicom"],
            optional=said.get("optional") is not False,
            allowed_values=_tuple(said.get("allowed_values")),
            deprecated=document.get("Deprecated", False),
            example=said.get("example"),
            python_name=said.get("name"),
            aliases=_tuple(said.get("aliases")) or (),
            declared=(frozenset(document) | {"Optional"}) - {"Name"},
        )

    def _type(
        self, address: str, kind: str, name: str, document: JsonObject, said: Mapping[str, Any]
    ) -> tuple[Type, Source]:
        if "Type" in document:
            return Type(document["Type"]), Source.DOCUMENT
        tag = said.get("dicom")
        if tag not in (None, NO_TAG, COMPUTED):
            told = type_of_tag(tag)
            if told is not None:
                if said.get("type") is not None:
                    self.problems.append(
                        f"the tag {tag} of {kind} {name} of {address} tells the type {told};"
                        " take `type` out of the entry"
                    )
                return told, Source.TAG
        if said.get("type") is not None:
            return Type(said["type"]), Source.OVERLAY
        self.notices.append(
            f"{address}: no document states the type of {kind} {name}; {_UNDECLARED[kind]}."
            " To state it, add to the overlay, with the right type:\n"
            + overlay_lines(address, "type", Type.STRING.value, **{kind: name})
        )
        return Type.STRING, Source.ASSUMED

    def _said(self, address: str, kind: str, member: str, told: dict[str, Any]) -> dict[str, Any]:
        """Return what the document tells, filled in from the entries that match."""
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
                elif told.get(key) is None:
                    told[key] = value
                    filled[key] = entry
                    self.used.add((entry.number, key))
        for entry in self.overlay.entries:
            exact = entry.endpoint == address and entry.matches(address, kind, member)
            for key, value in entry.values.items() if exact else ():
                if key not in filled and told.get(key) is not None:
                    self.problems.append(_silenced(entry, key, told[key], value))
                    self.used.add((entry.number, key))
        return told

    def finish(self) -> None:
        for entry in self.overlay.entries:
            unused = [key for key in entry.values if (entry.number, key) not in self.used]
            if entry.number not in self.matched:
                self.problems.append(f"{entry} matches nothing: {self._nothing(entry)}")
            elif unused:
                what = "the entry" if len(unused) == len(entry.values) else "it from the entry"
                self.problems.append(
                    f"{entry}: the documents state {', '.join(unused)} already; delete {what}"
                )
        if self.problems:
            where = f"{self.overlay.where}: " if self.overlay.entries else ""
            lines = "\n".join(f"{where}{p}" for p in self.problems)
            raise DocumentProblem(lines)

    def _nothing(self, entry: Entry) -> str:
        """Return why an entry matches nothing, and the closest name that would."""
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


def _silenced(entry: Entry, key: str, told: object, value: object) -> str:
    told, value = (list(v) if isinstance(v, tuple) else v for v in (told, value))
    if told == value:
        return f"{entry}: the document states {key} = {told!r} already; delete it from the entry"
    return (
        f"{entry}: the document says {key} = {told!r}, and an overlay cannot overrule it"
        f" with {value!r}; delete it from the entry"
    )


def _tag(tag: str | None) -> str | None:
    return tag if tag is None or tag in (NO_TAG, COMPUTED) else tag.upper()


def _tuple(values: Any) -> tuple[str, ...] | None:
    return None if values is None else tuple(values)
