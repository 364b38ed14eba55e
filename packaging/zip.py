"""Writes a folder as a zip archive to standard output, in sorted order and with the time SOURCE_DATE_EPOCH. zip.py FOLDER"""

import os
import sys
import time
import zipfile


def main(folder):
    when = time.gmtime(int(os.environ["SOURCE_DATE_EPOCH"]))[:6]
    with zipfile.ZipFile(sys.stdout.buffer, "w", zipfile.ZIP_DEFLATED) as z:
        for root, dirs, files in os.walk(folder):
            dirs.sort()
            for name in sorted(files):
                path = os.path.join(root, name)
                info = zipfile.ZipInfo(path.replace(os.sep, "/"), when)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o100755 if name.startswith("standpipe.exe") else 0o100644) << 16
                with open(path, "rb") as f:
                    z.writestr(info, f.read())


if __name__ == "__main__":
    main(sys.argv[1])
