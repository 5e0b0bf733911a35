"""Make the pages of endpoints and of drift rules.

They are not checked in. Text of a server passes through the filters of
:mod:`tciagen.python.text` only, as in generated source.
"""

import shlex
from collections.abc import Iterator, Mapping

from tciagen.contract.model import COMPUTED, NO_TAG, Attribute, Contract, Endpoint, Parameter
from tciagen.drift.catalogue.rules import RULES
from tciagen.drift.report.rule_pages import catalogue_page, rule_page
from tciagen.python.signature import keywords
from tciagen.python.text import markdown, plain
from tciagen.python.view import build_view
from tciagen.python.views import FieldView, MethodView, ParameterView
from tciagen.render import Target, exported_names

Pages = Mapping[str, str]
"""Markdown by the path of its page in the site."""


def endpoint_pages(contract: Contract, target: Target, examples: Mapping[str, str]) -> Pages:
    """Return a page for each endpoint and a list of them.

    Args:
        contract: The endpoints.
        target: The names of the client package.
        examples: Value to show for a query key. Default: the example of the contract.
    """
    methods = build_view(contract, exported_names()).methods
    pairs = list(zip(contract, methods, strict=True))
    pages = {
        f"endpoints/{method.name}.md": "\n".join(_page(endpoint, method, target, examples)) + "\n"
        for endpoint, method in pairs
    }
    pages["endpoints/index.md"] = "\n".join(_index(pairs)) + "\n"
    return pages


def rule_pages() -> Pages:
    """Return a page for each drift rule and the catalogue with links to them."""
    catalogue = catalogue_page()
    for rule_id in RULES:
        catalogue = catalogue.replace(f"| `{rule_id}` |", f"| [`{rule_id}`]({rule_id}.md) |")
    pages = {f"rules/{rule.id}.md": rule_page(rule) for rule in RULES.values()}
    return {"rules/index.md": catalogue, **pages}


def _index(pairs: list[tuple[Endpoint, MethodView]]) -> Iterator[str]:
    yield "# Endpoints\n"
    yield "One method of `Client` and `AsyncClient` for each query endpoint of the contract.\n"
    yield "| method | endpoint | description |"
    yield "| --- | --- | --- |"
    for endpoint, method in pairs:
        link = f"[`{method.name}`]({method.name}.md)"
        yield f"| {link} | {markdown(endpoint.address)} | {markdown(method.summary)} |"


def _page(
    endpoint: Endpoint, method: MethodView, target: Target, examples: Mapping[str, str]
) -> Iterator[str]:
    yield "---\nhide: [toc]\n---\n"
    yield f"# {method.name}\n"
    yield f"{markdown(method.summary)}\n"
    if endpoint.deprecated:
        instead = f"; use {markdown(endpoint.replaced_by)}" if endpoint.replaced_by else ""
        yield f"Deprecated by the server{instead}.\n"
    yield f"Endpoint: `GET <BaseURL>/{plain(endpoint.address)}`\n"
    yield from _examples(method, target, examples)
    yield from _parameters(endpoint, method)
    yield from _response(endpoint, method)


def _examples(method: MethodView, target: Target, examples: Mapping[str, str]) -> Iterator[str]:
    shown = [(p, _example(p, examples)) for p in method.shown_parameters]
    given = [f"{parameter.name}={value}" for parameter, (value, _) in shown]
    options = [f"--{_dashed(parameter.name)} {text}" for parameter, (_, text) in shown]
    yield "## Examples\n"
    yield f"```python\nfrom {target.package} import Client\n\nwith Client() as client:"
    if method.record is None:
        arguments = "".join(f"        {argument},\n" for argument in ['"downloads/"', *given])
        yield f"    done = client.{method.name}(\n{arguments}    )\nprint(done)\n```\n"
        if method.many:
            yield f"`client.{method.many}` downloads many, see [Downloads](../downloads.md).\n"
        options.append("--to downloads/")
    else:
        yield f"    rows = client.{method.name}({', '.join(given)})\nprint(rows)\n```\n"
    yield f"```sh\n{' '.join([target.command, _dashed(method.name), *options])}\n```\n"


def _example(parameter: ParameterView, examples: Mapping[str, str]) -> tuple[str, str]:
    """Return a value to show as a Python literal and as a word of a shell."""
    value = examples.get(plain(parameter.wire), plain(parameter.example))
    return parameter.argument(value), shlex.quote(value)


def _dashed(name: str) -> str:
    return name.strip("_").replace("_", "-")


def _parameters(endpoint: Endpoint, method: MethodView) -> Iterator[str]:
    yield "## Parameters\n"
    if not method.parameters:
        yield "None.\n"
        return
    yield "| keyword | query key | type | required | DICOM | description |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for parameter, view in zip(keywords(endpoint), method.parameters, strict=True):
        yield (
            f"| `{view.name}` | {markdown(parameter.name)} | {_type(view.annotation)} |"
            f" {'yes' if parameter.required else 'no'} | {_tag(parameter)} |"
            f" {_description(parameter)} |"
        )
    yield ""
    if len(method.record_formats) > 1:
        formats = ", ".join(f'`"{name}"`' for name in method.record_formats)
        yield (
            f"`format` is the format of the response: {formats}. Default:"
            f' `"{method.default_format.lower()}"`. The rows are the same.\n'
        )


def _response(endpoint: Endpoint, method: MethodView) -> Iterator[str]:
    yield "## Response\n"
    formats = ", ".join(method.formats)
    if method.record is None:
        yield f"A file ({formats}), see [Downloads](../downloads.md).\n"
        return
    yield f"Rows of the class `{method.record.name}`. Formats: {formats}.\n"
    yield "| attribute | name in the response | type | always present | DICOM | description |"
    yield "| --- | --- | --- | --- | --- | --- |"
    fields = {plain(field.wire): field for field in method.record.fields}
    for attribute in endpoint.result.attributes:
        field = fields[plain(attribute.name)]
        yield (
            f"| `{field.name}` | {_wires(field)} | {_type(field.annotation)} |"
            f" {'no' if attribute.optional else 'yes'} | {_tag(attribute)} |"
            f" {_description(attribute)} |"
        )


def _wires(field: FieldView) -> str:
    return " or ".join(markdown(name) for name in (field.wire, *field.aliases))


def _type(annotation: str) -> str:
    return f"`{annotation.replace(' | ', '` or `')}`"


def _tag(member: Parameter | Attribute) -> str:
    if member.dicom in (None, NO_TAG):
        return ""
    if member.dicom == COMPUTED:
        return "computed"
    return f"({markdown(str(member.dicom).replace(' ', ','))})"


def _description(member: Parameter | Attribute) -> str:
    parts = [markdown(member.description)]
    if member.allowed_values:
        parts.append(f"One of {', '.join(map(markdown, member.allowed_values))}.")
    if isinstance(member, Parameter) and member.default is not None:
        parts.append(f"Default: {markdown(member.default)}.")
    if member.example:
        parts.append(f"Example: {markdown(member.example)}")
    if member.deprecated:
        parts.append("Deprecated.")
    return " ".join(filter(None, parts))
