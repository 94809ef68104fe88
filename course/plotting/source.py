"""The package's own lines, printed on the page that explains them."""

import ast
import inspect
import textwrap

from IPython.display import Markdown


def show_source(*objects) -> Markdown:
    """Display the source of functions, methods or classes, as it is run.

    Of each docstring only the first line is shown; the rest is on the page of
    the API.
    """
    return Markdown("```python\n" + "\n\n".join(map(source, objects)) + "\n```")


def source(thing) -> str:
    """The lines that define `thing`, docstrings cut to their first line."""
    if isinstance(thing, property):
        thing = thing.fget
    text = textwrap.dedent(inspect.getsource(thing)).rstrip()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if (doc := ast.get_docstring(node)) and "\n" in doc:
            first, last = node.body[0].lineno - 1, node.body[0].end_lineno
            lines[first] += '"""'
            lines[first + 1 : last] = [None] * (last - first - 1)
    return "\n".join(line for line in lines if line is not None)
