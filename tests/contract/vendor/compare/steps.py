"""Runs steps: a JSON text on each line of standard input, an answer on each line of standard output.

The argument is a file that connects to the server; its names are there for the steps.
"""

import ast
import json
import sys


def plain(value):
    """The value as JSON has it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return getattr(value, "value", value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    for name in ("to_dict", "marshall"):
        if hasattr(value, name):
            return plain(getattr(value, name)())
    return str(getattr(value, "value", value))


def run(step, names):
    """Runs the statements; the value of the last one, if it is an expression."""
    tree = ast.parse(step)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "step", "exec"), names)
    if last is not None:
        return eval(compile(ast.Expression(last.value), "step", "eval"), names)
    return None


def main():
    answers, sys.stdout = sys.stdout, sys.stderr
    names = {}
    with open(sys.argv[1]) as prelude:
        exec(compile(prelude.read(), sys.argv[1], "exec"), names)
    # What an error says that isn't in its text.
    explain = names.get("explain", str)
    for line in sys.stdin:
        try:
            shown = json.dumps(plain(run(json.loads(line), names)), sort_keys=True)
            answer = {"raised": False, "text": shown}
        except Exception as error:
            answer = {"raised": True, "text": f"{type(error).__name__}: {explain(error)}"}
        print(json.dumps(answer), file=answers, flush=True)


main()
