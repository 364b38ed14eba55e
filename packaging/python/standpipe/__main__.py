"""python -m standpipe: the program in the place of this Python, with the same arguments."""

import os
import sys

from standpipe import find_standpipe_bin


def main() -> None:
    program = find_standpipe_bin()
    if sys.prefix != sys.base_prefix:
        os.environ["VIRTUAL_ENV"] = sys.prefix  # this Python was chosen by its path
    if sys.platform == "win32":
        import subprocess

        try:
            sys.exit(subprocess.run([program] + sys.argv[1:]).returncode)
        except KeyboardInterrupt:
            sys.exit(2)
    os.execv(program, [program] + sys.argv[1:])


if __name__ == "__main__":
    main()
