"""Docstrings of the generated classes and methods, with server text."""

from collections.abc import Sequence

from tciagen.contract.model import COMPUTED, NO_TAG, Attribute, Endpoint, Parameter, Result, Type
from tciagen.python.names import Identifier
from tciagen.python.signature import namesake
from tciagen.python.text import ServerText, compose, plain

_KINDS = {
    Type.UID: "DICOM UID",
    Type.DATE: "date or YYYY-MM-DD",
    Type.DATE_TIME: "datetime or ISO 8601 text",
    Type.TIME: "time or ISO 8601 text",
}


def class_doc(
    result: Result, members: Sequence[tuple[Attribute, Identifier]], addresses: Sequence[str]
) -> ServerText:
    """Return the docstring of a record class."""
    parts: list[str | ServerText] = [
        _sentence(result.description) or f"One record of the class {plain(result.name)}.",
        "\n\nAnswered by " + ", ".join(f"``{plain(a)}``" for a in addresses) + ".",
        "\n\nAttributes:",
    ]
    for attribute, name in members:
        parts += [f"\n    {name}: ", _member(attribute)]
        if attribute.deprecated:
            parts.append(" Deprecated.")
        if attribute.optional:
            parts.append(" None if the server sends none.")
    return compose(*parts)


def method_doc(
    endpoint: Endpoint, members: Sequence[tuple[Parameter, Identifier]], record: str | None
) -> ServerText:
    """Return the docstring of an endpoint's method."""
    parts: list[str | ServerText] = [
        _sentence(endpoint.description) or f"Query {plain(endpoint.name)}.",
        f"\n\nQuery endpoint ``{plain(endpoint.address)}``.",
    ]
    if endpoint.deprecated:
        instead = f"; use ``{plain(endpoint.replaced_by)}``" if endpoint.replaced_by else ""
        parts.append(f" Deprecated by the server{instead}.")
    arguments: list[str | ServerText] = []
    raised = "ApiError: one class of its tree for each cause."
    if record is None:
        arguments.append("\n    target: where it goes, see :class:`DownloadOptions`.")
        raised += "\n    OSError: it cannot be written."
    for parameter, name in members:
        arguments += [f"\n    {name}: ", _member(parameter)]
        if parameter.undeclared:
            arguments.append(_undeclared(endpoint, parameter))
        elif parameter.type in _KINDS:
            arguments.append(f" A {_KINDS[parameter.type]}.")
        if parameter.default is not None:
            arguments.append(f" The server's default is {plain(parameter.default)}.")
        if parameter.deprecated:
            arguments.append(" Deprecated.")
    if record is None:
        arguments.append("\n    **options: see :class:`DownloadOptions`.")
        returned = "What was written, once it is complete."
    else:
        if endpoint.formats is not None and len(endpoint.formats) > 1:
            arguments.append("\n    format: what to ask of the server; the rows are the same.")
        returned = f"A list of :class:`~.models.{record}`, empty where nothing matches."
    if arguments:
        parts += ["\n\nArgs:", *arguments]
    parts.append(f"\n\nReturns:\n    {returned}")
    parts.append(f"\n\nRaises:\n    {raised}")
    return compose(*parts)


def _undeclared(endpoint: Endpoint, parameter: Parameter) -> str:
    same = namesake(endpoint, parameter)
    if same is None:
        return " The server states no type: text, a number, a date or a time."
    return (
        f" The server states no type; the attribute of this name has the type {same.type}."
        " Text, a number, a date or a time."
    )


def _member(member: Parameter | Attribute) -> ServerText:
    tag = ""
    if member.dicom == COMPUTED:
        tag = " Computed by the server."
    elif member.dicom not in (None, NO_TAG):
        tag = f" DICOM ({str(member.dicom).replace(' ', ',')})."
    described = _sentence(member.description) or ServerText(f"The server's {plain(member.name)}.")
    return compose(described, tag)


def _sentence(text: str) -> ServerText | None:
    """Return the text on one line, closed by a full stop; or None if it is empty."""
    line = plain(text)
    if not line:
        return None
    return ServerText(line if line[-1] in ".!?" else line + ".")
