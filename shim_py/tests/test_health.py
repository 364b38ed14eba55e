"""Which health paths an app has routes for. The real frameworks are asked by the integration tests; here whatever goes wrong in
looking at one becomes a reason."""

import sys
import types
import unittest

import peer  # noqa: F401 (puts the package on sys.path)
from standpipe_shim.frameworks.questions import answered


class Answered(unittest.TestCase):
    def setUp(self):
        self.saved = {name: sys.modules.pop(name, None) for name in ("flask", "django", "pyramid", "bottle", "falcon")}
        self.addCleanup(self.restore)
        self.bottle = types.ModuleType("bottle")
        self.bottle.Bottle = type("Bottle", (), {})
        sys.modules["bottle"] = self.bottle

    def restore(self):
        for name, module in self.saved.items():
            sys.modules.pop(name, None)
            if module is not None:
                sys.modules[name] = module

    def app(self, *paths):
        app = self.bottle.Bottle()
        app.router = types.SimpleNamespace(static={"GET": dict.fromkeys(paths)})
        return app

    def test_routes(self):
        self.assertEqual(answered(self.app("/livez", "/x"), "", ["/livez", "/readyz"]), (["/livez"], ""))

    def test_mount(self):
        self.assertEqual(answered(self.app("/livez"), "/shop", ["/livez", "/shop/livez", "/shopping/livez"]), (["/shop/livez"], ""))

    def test_another_app(self):
        self.assertEqual(answered(lambda environ, start_response: [], "", ["/livez"]), ([], ""))

    def test_unknown_release(self):
        self.assertEqual(answered(self.bottle.Bottle(), "", ["/livez"]), ([], "AttributeError: 'Bottle' object has no attribute 'router'"))


if __name__ == "__main__":
    unittest.main()
