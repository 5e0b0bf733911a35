"""The gate behind the formatter: proof that no server text became code.

The same view is rendered twice, once with the texts of the documents and once with a neutral
word for each. Both must be the same program except for the content of string constants. The
formatter must retain every constant, and the source must be printable.
"""

import ast

from tciagen.errors import DocumentProblem


def check_gate(name: str, rendered: str, neutral: str, formatted: str) -> None:
    """Raise if a text of a document has changed the program.

    Args:
        name: The file, for the message.
        rendered: The output of the templates.
        neutral: The same with neutral texts.
        formatted: The source to publish.

    Raises:
        DocumentProblem: A text of a document has changed the program.
    """

    def fail(reason: str) -> DocumentProblem:
        return DocumentProblem(
            f"{name}: a text of a document would become code ({reason});"
            " the template must use the filter literal, docstring or comment."
        )

    try:
        real, plain, final = (ast.parse(text) for text in (rendered, neutral, formatted))
    except (SyntaxError, ValueError) as error:
        raise fail(f"the source does not parse: {error}") from error
    if _shape(real) != _shape(plain):
        raise fail("other texts give another program")
    if _constants(real) != _constants(final) or _shape(real) != _shape(final):
        raise fail("the formatter changed it")
    for number, line in enumerate(formatted.split("\n"), 1):
        if not line.isprintable():
            raise fail(f"line {number} has an unprintable character")


def _shape(tree: ast.Module) -> str:
    """Return the program with every string constant emptied."""

    class Empty(ast.NodeTransformer):
        def visit_Constant(self, node: ast.Constant) -> ast.Constant:
            return ast.Constant("") if isinstance(node.value, str) else node

    return ast.dump(Empty().visit(ast.parse(ast.unparse(tree))))


def _constants(tree: ast.Module) -> list[str]:
    """Return the string constants that are not docstrings, in order."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
    ]
