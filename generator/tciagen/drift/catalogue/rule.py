"""One rule of the catalogue, and its example, which a test runs."""

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from tciagen.documents.parsing import JsonObject
from tciagen.drift.levels import Bump, Effect, Severity, Wire

SAMPLE_ADDRESS = "TCIA/query/getSeries"

Documents = dict[str, JsonObject]


@attrs.frozen
class Example:
    """The state before and after: fragments of a document, or words for other rules.

    ``location`` is the position of the fragments in a sample document: ``Parameters``,
    ``Attributes``, ``members`` of the document (None: left out), whole ``documents``
    by address (each member that is not given is the sample's), or ``text``.
    """

    location: str
    before: Any
    after: Any

    def documents(self) -> tuple[Documents, Documents]:
        """Return the two sets of documents of the example."""
        return self._expand(self.before), self._expand(self.after)

    def _expand(self, fragment: Any) -> Documents:
        match self.location:
            case "Parameters":
                return {SAMPLE_ADDRESS: _sample(SAMPLE_ADDRESS, {"Parameters": fragment})}
            case "Attributes":
                result = {**_RESULT, "Attributes": [*_RESULT["Attributes"], *fragment]}
                return {SAMPLE_ADDRESS: _sample(SAMPLE_ADDRESS, {"Result": result})}
            case "members":
                return {SAMPLE_ADDRESS: _sample(SAMPLE_ADDRESS, fragment)}
            case "documents":
                return {address: _sample(address, given) for address, given in fragment.items()}
            case _:
                raise ValueError(f"an example in {self.location} has no documents")


_RESULT: JsonObject = {
    "Name": "Series",
    "Description": "One series.",
    "Attributes": [
        {
            "Name": "SeriesInstanceUID",
            "Description": "UID of the series.",
            "DICOM": "0020 000E",
            "Type": "uid",
            "Optional": False,
        }
    ],
}


def _sample(address: str, given: Mapping[str, Any]) -> JsonObject:
    document = {
        "QueryName": address.rsplit("/", 1)[-1],
        "Description": "Lists series.",
        "Parameters": [],
        "Formats": ["CSV", "HTML", "XML", "JSON"],
        "DefaultFormat": "JSON",
        "Result": _RESULT,
        **given,
    }
    return {name: value for name, value in document.items() if value is not None}


@attrs.frozen
class Rule:
    """One class of change, fault, run-time event or policy.

    Attributes:
        id: stable once released.
        level: severity, or for a fault its kind.
        wire: effect on a client generated from the old contract.
        source: effect on user code written for the old client.
        bump: what the generated client's version must rise by.
        summary: The change in a few words.
        why: Why it matters to a caller of the generated client.
        example: before and after.
        group: ``endpoint``, ``parameter``, ``format``, ``result``, ``attribute``,
            ``fault``, ``run time``, ``configuration`` or ``policy``.
        action: The default action; only for run-time and policy rules.
        client_message: The message of the generated client, after the name of the warning or
            error, or the log level. Tests compare it with the client's message.
    """

    id: str
    level: Severity
    wire: Wire
    source: Effect
    bump: Bump
    summary: str
    why: str
    example: Example
    group: str = ""
    action: str = ""
    client_message: str = ""


def parameters(before: Sequence[Any], after: Sequence[Any]) -> Example:
    """Return an example in the list Parameters."""
    return Example("Parameters", before, after)


def attributes(before: Sequence[Any], after: Sequence[Any]) -> Example:
    """Return an example in the list Result.Attributes."""
    return Example("Attributes", before, after)


def members(before: Mapping[str, Any], after: Mapping[str, Any]) -> Example:
    """Return an example in the members of the document."""
    return Example("members", before, after)


def documents(before: Mapping[str, Any], after: Mapping[str, Any]) -> Example:
    """Return an example of several documents."""
    return Example("documents", before, after)


def words(before: str, after: str) -> Example:
    """Return an example that is not a document."""
    return Example("text", before, after)
