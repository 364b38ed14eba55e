"""How the package is laid out: no module imports itself by way of others, a folder imports only what stands before it, and a plain
worker loads little. `python3 shim_py/tests/test_layout.py --print` prints the modules that such a worker loads, with their lines."""

import ast
import os
import sys
import unittest

from peer import SHIM_DIR, WorkerTest

PACKAGE = "standpipe_shim"
PLAIN = 2830  # lines that a worker with one thread and an app of no framework loads, at most
WHOLE = 6900  # lines of the package without dev, at most
DEV = 1500  # lines of dev, which the development mode alone imports

APP = """
import sys
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["\\n".join(name for name in sys.modules if name.split(".")[0] == "standpipe_shim").encode()]
"""


def sources():
    """Returns {module: file} of the package."""
    found = {}
    for folder, _, names in os.walk(os.path.join(SHIM_DIR, PACKAGE)):
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(folder, name)
                module = os.path.relpath(path, SHIM_DIR)[: -len(".py")].replace(os.sep, ".")
                found[module[: -len(".__init__")] if module.endswith(".__init__") else module] = path
    return found


def imports(module, path, known):
    """Returns the modules of the package that a module imports, in functions too."""
    package = module.split(".") if path.endswith("__init__.py") else module.split(".")[:-1]
    with open(path, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join(package[: len(package) - node.level + 1] + ([node.module] if node.module else []))
            for alias in node.names:
                inner = base + "." + alias.name
                found.add(inner if inner in known else base)
    return found


def lines(path):
    with open(path, "rb") as source:
        return source.read().count(b"\n")


class Layout(WorkerTest):
    def setUp(self):
        super().setUp()
        self.sources = sources()
        self.graph = {module: imports(module, path, self.sources) for module, path in self.sources.items()}

    def test_no_module_imports_itself_by_way_of_others(self):
        done = set()

        def visit(module, way):
            self.assertNotIn(module, way, " -> ".join(way + [module]))
            if module not in done:
                for other in sorted(self.graph[module]):
                    visit(other, way + [module])
                done.add(module)

        for module in sorted(self.graph):
            visit(module, [])

    def test_a_folder_imports_what_stands_before_it(self):
        order = ["", "core", "frameworks", "dev", "boot"]
        for module, others in self.graph.items():
            folder = (module.split(".") + ["", ""])[1]
            if folder in order[1:]:
                for other in others:
                    self.assertIn((other.split(".") + [""])[1], order[: order.index(folder) + 1], "%s imports %s" % (module, other))

    def test_a_plain_worker_loads_little(self):
        loaded = {module: lines(self.sources[module]) for module in self.worker(APP).get().body.decode().split("\n")}
        if __name__ == "__main__" and PRINT:
            for module, count in sorted(loaded.items()):
                print("%5d  %s" % (count, module))
            print("%5d  of %d" % (sum(loaded.values()), sum(map(lines, self.sources.values()))))
        self.assertLessEqual(sum(loaded.values()), PLAIN)

    def test_the_package_is_small(self):
        dev = sum(lines(path) for module, path in self.sources.items() if module.split(".")[1:2] == ["dev"])
        self.assertLessEqual(dev, DEV)
        self.assertLessEqual(sum(map(lines, self.sources.values())) - dev, WHOLE)


PRINT = "--print" in sys.argv

if __name__ == "__main__":
    if PRINT:
        sys.argv.remove("--print")
    unittest.main()
