"""syntax_floor.py DIR...: every .py file below parses as Python 3.8. The tests that run on 3.8 itself see the rest."""

import ast
import pathlib
import sys

failed = seen = 0
for root in sys.argv[1:]:
    for path in sorted(pathlib.Path(root).rglob("*.py")):
        seen += 1
        try:
            ast.parse(path.read_text("utf-8"), str(path), feature_version=(3, 8))
        except SyntaxError as e:
            failed += 1
            print("%s:%s: not Python 3.8: %s" % (path, e.lineno, e.msg), file=sys.stderr)
if not seen:
    print("syntax_floor: no .py file in %s" % sys.argv[1:], file=sys.stderr)
sys.exit(1 if failed or not seen else 0)
