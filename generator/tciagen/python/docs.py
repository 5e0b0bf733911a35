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
    raised = "ApiError: The request failed; each cause has a separate class."
    if record is None:
        arguments.append("\n    target: Destination, see :class:`DownloadOptions`.")
        raised += "\n    OSError: A file cannot be written."
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
        arguments.append("\n    **options: See :class:`DownloadOptions`.")
        returned = "The complete download, with the paths of its files."
    else:
        if endpoint.formats is not None and len(endpoint.formats) > 1:
            arguments.append("\n    format: Format of the response; the rows are the same.")
        returned = f"A list of :class:`~.models.{record}`; empty if nothing matches."
    if arguments:
        parts += ["\n\nArgs:", *arguments]
    parts.append(f"\n\nReturns:\n    {returned}")
    parts.append(f"\n\nRaises:\n    {raised}")
    return compose(*parts)


def many_doc(method: Identifier, members: Sequence[tuple[Parameter, Identifier]]) -> ServerText:
    """Return the docstring of the method for many downloads of an endpoint."""
    required = [name for parameter, name in members if parameter.required]
    needed = " and ".join(f"``{name}``" for name in required) or "the parameters"
    single = ", or single values of it" if len(required) == 1 else ""
    text = (
        f"Download many into a folder, several in parallel; see :meth:`{method}`."
        "\n\nEach download is complete in the folder, or absent. Complete downloads of an earlier"
        " call are retained."
        "\n\nArgs:"
        "\n    target: The folder; it is created if missing."
        f"\n    items: Rows or mappings with {needed}{single}."
    )
    for parameter, name in members:
        text += f"\n    {name}: Value of the query key {plain(parameter.name)} for all items."
    text += (
        "\n    workers: Number of parallel downloads, by default 4."
        "\n    **options: See :class:`ManyDownloadOptions`."
        "\n\nReturns:\n    The downloads in the order of the items."
        "\n\nRaises:"
        "\n    ParameterError: An item is invalid; nothing was downloaded."
        "\n    DownloadsError: Some downloads failed; it has the results of all items."
        "\n    OSError: A file cannot be written."
    )
    return ServerText(text)


def streaming_doc(method: Identifier, *, is_file: bool) -> ServerText:
    """Return the docstring of a method that yields rows or bytes."""
    what = "bytes of the file" if is_file else "rows"
    return ServerText(f"Yield the {what} as they arrive; see :meth:`.Client.{method}`.")


def raw_doc(method: Identifier) -> ServerText:
    """Return the docstring of a method that returns a response as the server sent it."""
    return ServerText(f"Return the response as it was sent; see :meth:`.Client.{method}`.")


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
