"""Server text cannot become a string by accident, and leaves only in three safe forms."""

import ast

import jinja2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tciagen.python.text import ServerText, comment, compose, docstring, literal, markdown, plain

HOSTILE = [
    'ends in a quote"',
    '"""',
    '""" + __import__("os").system("x") + """',
    "'''",
    "backslash at the end \\",
    '\\"""',
    "line\u2028separator\u2029\x85\x0b\x0c",
    "nul \x00",
    "bidi \u202e\u2066",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "\N{LATIN SMALL LETTER U WITH DIAERESIS} 病院 \U0001f600",
    "tab\tcr\rlf\n",
    "# noqa",
    "\ufeff\u200b\u00ad",
    "\\N{DIGIT ONE} \\x41 \\u0041",
    "",
    "   ",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@pytest.mark.parametrize(
    "use",
    [
        str,
        repr,
        format,
        lambda t: f"{t}",
        lambda t: f"{t!s:>3}",
        lambda t: "%s" % t,  # noqa: UP031
        lambda t: "" + t,
        lambda t: t + "",
        lambda t: ", ".join(["a", t]),  # noqa: FLY002
        list,
        bytes,
        lambda t: jinja2.Template("{{ t }}").render(t=t),
        lambda t: jinja2.Template("{{ 'a' ~ t }}").render(t=t),
        lambda t: jinja2.Template("{{ [t] | join }}").render(t=t),
        lambda t: jinja2.Template("{{ t | upper }}").render(t=t),
        lambda t: jinja2.Template("{{ t | string }}").render(t=t),
        lambda t: jinja2.Template("{{ '%s' | format(t) }}").render(t=t),
        lambda t: jinja2.Template("{{ t }}", autoescape=True).render(t=t),
        lambda t: jinja2.Template("{% for c in t %}{{ c }}{% endfor %}").render(t=t),
    ],
)
def test_server_text_never_becomes_a_string_by_accident(use: object) -> None:
    assert callable(use)
    with pytest.raises(TypeError):
        use(ServerText("secret"))


@pytest.mark.parametrize("text", HOSTILE)
def test_literal_is_exactly_the_text(text: str) -> None:
    source = literal(ServerText(text))
    assert ast.literal_eval(source) == text
    assert source.isprintable()


@given(ANY_TEXT)
def test_every_literal_is_exactly_the_text(text: str) -> None:
    assert ast.literal_eval(literal(ServerText(text))) == text


def docstring_value(source: str, indent: int) -> str:
    tree = ast.parse(f"class C:\n{' ' * indent}{source}\n{' ' * indent}x: int = 1\n")
    (definition,) = tree.body
    assert isinstance(definition, ast.ClassDef)
    first, second = definition.body
    assert isinstance(second, ast.AnnAssign)
    assert isinstance(first, ast.Expr)
    assert isinstance(first.value, ast.Constant)
    return str(first.value.value)


@pytest.mark.parametrize("text", HOSTILE)
def test_docstring_stays_a_docstring(text: str) -> None:
    source = docstring(compose("Summary: ", ServerText(text), "."))
    assert "Summary:" in docstring_value(source, 4)
    assert all(line.isprintable() for line in source.split("\n"))


@given(ANY_TEXT, st.integers(1, 12))
@example('"' * 3, 4)
@example("\\" + '"' * 4, 4)
def test_every_docstring_stays_one_expression(text: str, indent: int) -> None:
    value = docstring_value(docstring(ServerText(text), indent), indent)
    # Words survive: what is shown is the text on one line, wrapped.
    assert "".join(value.split()) == "".join(plain(text).split())


def test_docstring_is_wrapped_and_hangs_indented_lines() -> None:
    source = docstring(compose("Summary.\n\nArgs:\n    name: ", ServerText("word " * 30)), 8, 60)
    lines = source.split("\n")
    assert max(map(len, lines)) <= 60
    assert lines[3].startswith("            name: word")
    assert lines[4].startswith("                word")


@given(ANY_TEXT)
def test_comment_is_one_line(text: str) -> None:
    line = comment(ServerText(text))
    assert line.startswith("# ")
    assert ast.parse(line + "\n").body == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>x</script>", "&lt;script\\>x&lt;/script\\>"),
        ("[a](http://x)", "\\[a\\]\\(http://x\\)"),
        ("a\n\n# heading", "a \\# heading"),
        ("`code` & *more*", "\\`code\\` &amp; \\*more\\*"),
        ("::: json", "&#58;:: json"),
        ("3. Tesla: 1.5 ~ 3.0", "3&#46; Tesla: 1.5 &#126; 3.0"),
    ],
)
def test_markdown_has_no_markup_of_the_server(text: str, shown: str) -> None:
    assert markdown(ServerText(text)) == shown


def test_texts_compare_by_content() -> None:
    assert ServerText("a") == ServerText("a") != ServerText("b")
    assert len({ServerText("a"), ServerText("a")}) == 1
    assert not ServerText(" \n")
