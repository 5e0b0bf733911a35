"""Compare an endpoint's metadata document with the package's contract, by the drift rules.

The generator's ``tciagen diff`` also knows severities, versions and endpoints that moved.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from ..display import short_json
from ..naming import fold

_RECORDS = frozenset({"CSV", "HTML", "XML", "JSON"})
_UNDECLARED = "undeclared"
_NUMBERS = ("integer", "decimal")
_SHORT = {"R": True, "O": False}

Json = Mapping[str, Any]


@attrs.frozen
class ContractChange:
    """One change of an endpoint's metadata.

    Attributes:
        rule: Id of the drift rule; ``tciagen rules ID`` explains it.
        pointer: JSON pointer into the metadata, by names.
        before: The value in the contract, None without one.
        after: The value in the metadata, None without one.
    """

    rule: str
    pointer: str
    before: object
    after: object

    def __str__(self) -> str:
        if self.before is None or self.after is None:
            value = self.after if self.before is None else self.before
            return f"{self.rule} at {self.pointer}: {short_json(value)}"
        return (
            f"{self.rule} at {self.pointer}: {short_json(self.before)} → {short_json(self.after)}"
        )


def compare(old: Json, document: Json) -> Iterator[ContractChange]:
    """Yield the differences of a document from the contract, except those of prose.

    Args:
        old: The endpoint in ``contract.json``.
        document: The server's document. What it does not state is not a change.

    Raises:
        ValueError, TypeError, KeyError, AttributeError: It is not a metadata document.
    """
    result = document["Result"]
    attributes = [_member(a, "optional") for a in result["Attributes"]]
    parameters = [_member(p, "required") for p in document["Parameters"]]
    yield from _flag("endpoint", "", old, document.get("Deprecated", False))
    formats = _formats(old, document)
    yield from formats
    was_file, is_file = _is_file(old.get("formats")), _is_file(document.get("Formats"))
    if not any(d.rule == "return-kind-changed" for d in formats) and was_file == is_file:
        yield from _default_format(old, document)
    # The client sends these keys itself, so no method has them as keywords.
    own = {"api_key"} if _returns_file(old, document) else {"api_key", "format"}
    known = [p for p in old.get("parameters", ()) if p["name"] not in own]
    parameters = [p for p in parameters if p["name"] not in own]
    yield from _members("param", "/Parameters", known, parameters)
    if was_file == is_file or is_file is None:
        before = old["result"]
        if before["name"] != result["Name"]:
            yield ContractChange(
                "return-object-renamed", "/Result/Name", before["name"], result["Name"]
            )
        yield from _members("attr", "/Result/Attributes", before.get("attributes", ()), attributes)


def _member(declared: Json | str, flag: str) -> dict[str, Any]:
    """Return a parameter or attribute of a document in the form of ``contract.json``."""
    if isinstance(declared, str):
        name, _, mark = declared.partition(" ")
        mark = mark.strip("()")
        return {"name": name, **({flag: _SHORT[mark]} if mark else {})}
    keys = {
        "Type": "type",
        "DICOM": "dicom",
        "AllowedValues": "allowed_values",
        "Default": "default",
        "Description": "description",
        "Deprecated": "deprecated",
    }
    member = {ours: declared[key] for key, ours in keys.items() if declared.get(key) is not None}
    member["name"] = declared["Name"]
    tag = declared.get("DICOM")
    member["dicom"] = tag.upper() if tag is not None and _is_tag(tag) else tag
    if flag.capitalize() in declared:  # otherwise an overlay may state it
        member[flag] = declared[flag.capitalize()]
    return member


def _members(
    prefix: str, pointer: str, old: Any, new: list[dict[str, Any]]
) -> Iterator[ContractChange]:
    """Compare two lists of members, paired by name or as a renaming leaves them."""
    left = {member["name"]: member for member in old}
    right = {member["name"]: member for member in new}
    pairs = [(left.pop(name), right.pop(name)) for name in list(right) if name in left]
    for key in (_tag_and_name, _tag_and_type, _folded, _prose):
        unpaired = {key(member): member for member in reversed(right.values())}
        for member in list(left.values()):
            found = unpaired.pop(key(member), None) if key(member) else None
            if found is not None:
                pairs.append((left.pop(member["name"]), right.pop(found["name"])))
    flag, other = ("required", "optional") if prefix == "param" else ("optional", "required")
    for before, after in pairs:
        at = f"{pointer}/{before['name']}"
        if before["name"] != after["name"]:
            yield ContractChange(f"{prefix}-renamed", f"{at}/Name", before["name"], after["name"])
        was = before.get(flag, flag == "optional")
        if after.get(flag, was) != was:
            word = flag if after[flag] else other
            yield ContractChange(
                f"{prefix}-became-{word}", f"{at}/{flag.capitalize()}", was, not was
            )
        yield from _type_and_tag(prefix, at, before, after)
        yield from _values(prefix, at, before, after)
        if prefix == "param":
            yield from _default(at, before, after)
        yield from _flag(prefix, at, before, after.get("deprecated", False))
    for name, member in left.items():
        announced = "-deprecated" if member.get("deprecated") else ""
        yield ContractChange(f"{prefix}-removed{announced}", f"{pointer}/{name}", name, None)
    for name, member in right.items():
        required = member.get(flag, flag == "optional") == (flag == "required")
        word = "required" if required else "optional"
        yield ContractChange(f"{prefix}-added-{word}", f"{pointer}/{name}", None, name)


def _type_and_tag(prefix: str, at: str, before: Json, after: Json) -> Iterator[ContractChange]:
    was, now = before.get("dicom"), after.get("dicom")
    if now is not None and was != now:
        word = "origin-changed"
        if _is_tag(was) or _is_tag(now):
            gone = "removed" if not _is_tag(now) else "changed"
            word = f"dicom-tag-{gone if _is_tag(was) else 'added'}"
        if was is not None or word != "origin-changed":
            yield ContractChange(f"{prefix}-{word}", f"{at}/DICOM", was, now)
    old, new = before.get("type", "string"), after.get("type")
    if new is not None and old == _UNDECLARED:
        if prefix == "param" or new != "string":  # an attribute without a type is text already
            yield ContractChange("type-declared", f"{at}/Type", None, new)
    elif new is not None and new != old:
        word = "changed"
        if new == "string" or (old, new) == _NUMBERS:
            word = "widened"
        elif old == "string" or (new, old) == _NUMBERS:
            word = "narrowed"
        yield ContractChange(f"{prefix}-type-{word}", f"{at}/Type", old, new)


def _values(prefix: str, at: str, before: Json, after: Json) -> Iterator[ContractChange]:
    old, new = before.get("allowed_values"), after.get("allowed_values")
    at += "/AllowedValues"
    if new is None:
        return
    if old is None:
        yield ContractChange(f"{prefix}-enum-added", at, None, sorted(new))
        return
    for value in sorted(set(old) - set(new)):
        yield ContractChange(f"{prefix}-enum-value-removed", at, value, None)
    for value in sorted(set(new) - set(old)):
        yield ContractChange(f"{prefix}-enum-value-added", at, None, value)


def _default(at: str, before: Json, after: Json) -> Iterator[ContractChange]:
    old, new = before.get("default"), after.get("default")
    if new is not None and new != old:
        word = "added" if old is None else "changed"
        yield ContractChange(f"param-default-{word}", f"{at}/Default", old, new)


def _flag(prefix: str, at: str, before: Json, now: object) -> Iterator[ContractChange]:
    was = before.get("deprecated", False)
    if was != now:
        word = "deprecated" if now else "undeprecated"
        yield ContractChange(f"{prefix}-{word}", f"{at}/Deprecated", was, now)


def _formats(old: Json, document: Json) -> list[ContractChange]:
    before, after = old.get("formats"), document.get("Formats")
    if before is None or after is None or set(before) == set(after):
        return []
    if _is_file(before) != _is_file(after):
        return [ContractChange("return-kind-changed", "/Formats", before, after)]
    if _is_file(before) and not set(before) & set(after):
        return [ContractChange("file-format-changed", "/Formats", before, after)]
    gone = [ContractChange("format-removed", "/Formats", f, None) for f in before if f not in after]
    new = [ContractChange("format-added", "/Formats", None, f) for f in after if f not in before]
    return gone + new


def _default_format(old: Json, document: Json) -> Iterator[ContractChange]:
    before, after = old.get("default_format"), document.get("DefaultFormat")
    if before is not None and after is not None and before != after:
        yield ContractChange("default-format-changed", "/DefaultFormat", before, after)


def _is_file(formats: Any) -> bool | None:
    return None if formats is None else not set(formats) & _RECORDS


def _returns_file(old: Json, document: Json) -> bool:
    """Return whether the endpoint returns a file, by its document or else by the contract."""
    formats = document.get("Formats") or old.get("formats")
    if formats is None and (default := old.get("default_format")) is not None:
        formats = [default]
    return not old["result"].get("attributes") if formats is None else bool(_is_file(formats))


def _is_tag(dicom: object) -> bool:
    return dicom not in (None, "NA", "Computed")


def _tag_and_type(member: Json) -> object:
    tag = member.get("dicom")
    return (tag, _type(member)) if _is_tag(tag) else None


def _type(member: Json) -> object:
    declared = member.get("type", "string")
    return "string" if declared == _UNDECLARED else declared


def _tag_and_name(member: Json) -> object:
    tag = _tag_and_type(member)
    return tag and (tag, _folded(member))


def _folded(member: Json) -> object:
    return fold(str(member["name"]))


def _prose(member: Json) -> object:
    words = " ".join(str(member.get("description", "")).split())
    return (words, member.get("dicom"), _type(member)) if words else None
