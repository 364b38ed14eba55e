"""Where the program is that was installed together with this package. An installer puts it into its folder of scripts, and there are
several of them."""

from __future__ import annotations

import os
import sys
import sysconfig


def find() -> str:
    name = "standpipe" + (sysconfig.get_config_var("EXE") or "")
    tried = []
    for folder in _folders():
        path = os.path.join(folder, name)
        if folder not in tried and os.path.isfile(path):
            return path
        tried.append(folder)
    raise FileNotFoundError("standpipe's program is not where installers put it; looked in %s" % ", ".join(dict.fromkeys(tried)))


def _folders() -> list[str]:
    package = os.path.dirname(os.path.abspath(__file__))
    found = [
        sysconfig.get_path("scripts"),  # of this environment
        sysconfig.get_path("scripts", vars={"base": sys.base_prefix}),  # of the Python that it was made of
        _above(package),  # pip install --prefix, uv run --with, a build environment of pip's
        os.path.join(os.path.dirname(package), "bin"),  # pip install --target
        sysconfig.get_path("scripts", scheme=_user_scheme()),  # pip install --user
        os.path.dirname(sys.executable) if sys.executable else None,  # an environment that was moved
    ]
    return [folder for folder in found if folder]


def _above(package: str) -> str | None:
    """Returns the scripts of the prefix that package lies in: PREFIX/lib/pythonX.Y/site-packages/standpipe, on Windows
    PREFIX/Lib/site-packages/standpipe."""
    site = os.path.dirname(package)
    if os.path.basename(site) not in ("site-packages", "dist-packages"):
        return None
    library = os.path.dirname(site)
    if sys.platform == "win32":
        return os.path.join(os.path.dirname(library), "Scripts")
    return os.path.join(os.path.dirname(os.path.dirname(library)), "bin")


def _user_scheme() -> str:
    if sys.version_info >= (3, 10):
        return sysconfig.get_preferred_scheme("user")
    if os.name == "nt":
        return "nt_user"
    if sys.platform == "darwin" and sys._framework:
        return "osx_framework_user"
    return "posix_user"
