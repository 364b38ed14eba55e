"""What to do about a boot that has failed: commands to run, or what to write where. Imported only when one has failed.

Each function returns text for a Failed's `fix`: one command or edit a line."""

import os
import re
import sys

# Distributions that are not called like the module that they install.
_DISTRIBUTIONS = {
    "allauth": "django-allauth",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "corsheaders": "django-cors-headers",
    "crispy_forms": "django-crispy-forms",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "debug_toolbar": "django-debug-toolbar",
    "decouple": "python-decouple",
    "dj_database_url": "dj-database-url",
    "django_filters": "django-filter",
    "dotenv": "python-dotenv",
    "environ": "django-environ",
    "fitz": "pymupdf",
    "git": "GitPython",
    "import_export": "django-import-export",
    "jose": "python-jose",
    "jwt": "PyJWT",
    "ldap": "python-ldap",
    "magic": "python-magic",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "pillow",
    "psycopg2": "psycopg2-binary",
    "rest_framework": "djangorestframework",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "storages": "django-storages",
    "telegram": "python-telegram-bot",
    "webob": "WebOb",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}
_LOCKS = {"uv.lock": "uv sync", "poetry.lock": "poetry install", "pdm.lock": "pdm install", "Pipfile.lock": "pipenv install"}


def again(boot, app):
    """Says how to name another app than the one that was tried."""
    if boot.get("named"):
        return 'in %s, write: module = "%s"' % (boot["named"], app)
    return "standpipe serve " + quoted(app)


def below(boot, folder, app):
    """Says how to look for the app in another folder."""
    if boot.get("named"):
        return 'in %s, write: dir = "%s"' % (boot["named"], folder)
    return "standpipe serve --dir %s %s" % (quoted(folder), quoted(app))


def quoted(word):
    """Returns a word as a shell takes it."""
    return word if re.fullmatch(r"[\w@%+=:,./-]+", word) else "'%s'" % word.replace("'", "'\\''")


def install(module, boot):
    """Says how to install what has a module, for the interpreter of this worker."""
    base = boot["dir"]
    top = module.split(".")[0]
    name = _DISTRIBUTIONS.get(top, top.replace("_", "-"))
    for lock, command in _LOCKS.items():
        if name.lower() in _text(os.path.join(base, lock)).lower():
            return command
    wanted = name
    for listed in ("requirements.txt", "requirements/base.txt", "requirements/production.txt"):
        if re.search(r"(?im)^\s*%s\b" % re.escape(name).replace(r"\-", "[-_.]"), _text(os.path.join(base, listed))):
            wanted = "-r " + listed
            break
    if sys.prefix == sys.base_prefix and boot["found"].endswith((" in PATH", "beside standpipe")):
        scripts = "Scripts" if os.name == "nt" else "bin"
        return "python3 -m venv .venv && .venv/%s/pip install %s" % (scripts, wanted)
    program = python(base)
    if _has_pip():
        return "%s -m pip install %s" % (program, wanted)
    return "uv pip install --python %s %s" % (program, wanted)


def python(base):
    """Returns the interpreter of this worker as a command line below base names it."""
    program = sys.executable or "python3"
    start = base.rstrip(os.sep) + os.sep
    return quoted(program[len(start) :] if program.startswith(start) else program)


def _has_pip():
    from importlib.util import find_spec

    try:
        return find_spec("pip") is not None
    except (ImportError, ValueError):
        return True


def settings(boot, guess):
    """Says how to set DJANGO_SETTINGS_MODULE."""
    if boot.get("named"):
        return 'below [[app]] (%s), write: env = { DJANGO_SETTINGS_MODULE = "%s" }' % (boot["named"], guess)
    command = "standpipe serve -e DJANGO_SETTINGS_MODULE=%s" % guess
    return command + (" " + quoted(boot["app"]) if boot["app"] else "")


def settings_in(base):
    """Returns the module of Django's settings in a project, as far as its files tell: manage.py names it, or one package has it."""
    from ..frameworks.django import settings_named_in

    named = settings_named_in(os.path.join(base, "manage.py"))
    if named:
        return named
    try:
        folders = sorted(os.listdir(base))
    except OSError:
        return ""
    found = [name for name in folders if name.isidentifier() and os.path.isfile(os.path.join(base, name, "settings.py"))]
    return found[0] + ".settings" if len(found) == 1 else ""


def guard(where, line, boot):
    """Says how to keep a server of the app's own from starting."""
    text = 'in %s, put line %d below this one, indented:\n    if __name__ == "__main__":\n' % (where, line)
    return text + "standpipe serve" + (" " + quoted(boot["app"]) if boot["app"] and not boot.get("named") else "")


def wrapped(what, label, boot):
    """Says how to make a WSGI app of an ASGI app."""
    name = what[len(label) + 1 :]
    first = name.split(".")[0].split("(")[0]
    lines = [
        install("a2wsgi", boot),
        "write wsgi.py:",
        "    from a2wsgi import ASGIMiddleware",
        "    from %s import %s" % (label, first),
        "    application = ASGIMiddleware(%s)" % name,
        again(boot, "wsgi.py"),
        "or run it with an ASGI server behind a [[route]]: standpipe help routes",
    ]
    return "\n".join(lines)


def djangos(boot):
    """Says how to make Django's WSGI app where a project has only its ASGI app."""
    module = os.environ.get("DJANGO_SETTINGS_MODULE") or settings_in(boot["dir"]) or "PACKAGE.settings"
    lines = [
        "write wsgi.py:",
        "    import os",
        "    from django.core.wsgi import get_wsgi_application",
        '    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "%s")' % module,
        "    application = get_wsgi_application()",
        again(boot, "wsgi.py"),
    ]
    return "\n".join(lines)


def line_of(module, name):
    """Returns the line of a module's file in which a name gets its value, at the top; 0: none was found."""
    import ast

    try:
        tree = ast.parse(_text(getattr(module, "__file__", None) or "", 1 << 20))
    except (SyntaxError, ValueError, RecursionError):
        return 0
    found = 0
    for node in tree.body:
        for one in ast.walk(node) if isinstance(node, (ast.If, ast.Try, ast.With)) else (node,):
            if name in _given(one):
                found = one.lineno  # the last one counts, as in Python
    return found


def _given(node):
    import ast

    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _text(path, most=256 << 10):
    try:
        with open(path, encoding="utf-8", errors="replace") as source:
            return source.read(most)
    except OSError:
        return ""
