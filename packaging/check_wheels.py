"""Looks into wheels: check_wheels.py WHEEL...

The tags of the name are those inside, RECORD has each file with its hash, the program may be executed and is for the system and the
processor that the tags say, twine finds the description in order, and pip accepts the wheel for its platform and for no other."""

import base64
import csv
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

# A part of a tag: the format of the program, and the number of its processor.
KINDS = {
    "linux_x86_64": ("ELF", 62),
    "linux_aarch64": ("ELF", 183),
    "linux_armv7l": ("ELF", 40),
    "macosx_x86_64": ("Mach-O", 0x01000007),
    "macosx_arm64": ("Mach-O", 0x0100000C),
    "win_amd64": ("PE", 0x8664),
}
ELSEWHERE = {"ELF": "win_amd64", "Mach-O": "manylinux_2_17_x86_64", "PE": "macosx_13_0_arm64"}


def kind(program):
    """Returns the format and the processor that the head of a program names."""
    if program[:4] == b"\x7fELF":
        return "ELF", struct.unpack_from("<H", program, 18)[0]
    if program[:4] == b"\xcf\xfa\xed\xfe":
        return "Mach-O", struct.unpack_from("<I", program, 4)[0]
    if program[:2] == b"MZ":
        at = struct.unpack_from("<I", program, 60)[0]
        if program[at : at + 4] == b"PE\0\0":
            return "PE", struct.unpack_from("<H", program, at + 4)[0]
    return "unknown", program[:4]


def wrong(path):
    """Yields what is wrong inside."""
    name, version, python, abi, tags = os.path.basename(path)[: -len(".whl")].split("-")
    tags = tags.split(".")
    info, exe = "%s-%s.dist-info/" % (name, version), ".exe" if tags == ["win_amd64"] else ""
    program = "%s-%s.data/scripts/standpipe%s" % (name, version, exe)
    with zipfile.ZipFile(path) as archive:
        files = {entry.filename: entry for entry in archive.infolist()}
        lines = archive.read(info + "WHEEL").decode().splitlines()
        inside = [line[len("Tag: ") :] for line in lines if line.startswith("Tag: ")]
        if inside != ["-".join([python, abi, tag]) for tag in tags]:
            yield "WHEEL has the tags %s" % inside
        records = {row[0]: row[1:] for row in csv.reader(archive.read(info + "RECORD").decode().splitlines())}
        if set(records) != set(files):
            yield "RECORD and the archive differ: %s" % sorted(set(records) ^ set(files))
        for file, (digest, size) in records.items():
            data = archive.read(file)
            own = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            if file != info + "RECORD" and (digest, size) != (own, str(len(data))):
                yield "RECORD: %s" % file
        for file, entry in files.items():
            mode = entry.external_attr >> 16 & 0o7777
            if mode != (0o755 if file == program else 0o644):
                yield "%s has the mode %o" % (file, mode)
        for tag in tags:
            want = KINDS[re.sub(r"^(?:many|musl)?(linux|macosx)_\d+_\d+_", r"\1_", tag)]
            if kind(archive.read(program)) != want:
                yield "%s: the program is %s" % (tag, kind(archive.read(program)))


def accepted(path, tag, command):
    """Says whether pip takes the wheel for a platform."""
    with tempfile.TemporaryDirectory() as folder:
        where = ["--target", folder] if command == "install" else ["--dest", folder]
        words = [sys.executable, "-m", "pip", "--isolated", "--quiet", "--disable-pip-version-check", command, "--no-index", "--no-deps"]
        words += ["--only-binary", ":all:", "--platform", tag, *where, path]
        if subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            return False
        found = [name for _, _, names in os.walk(folder) for name in names]
        return command == "download" or bool({"standpipe", "standpipe.exe"} & set(found))


def main(paths):
    subprocess.run([sys.executable, "-m", "twine", "--no-color", "check", "--strict", *paths], check=True, stdout=subprocess.DEVNULL)
    found = []
    for path in paths:
        found += ["%s: %s" % (path, what) for what in wrong(path)]
        tags = path[: -len(".whl")].split("-")[-1].split(".")
        for tag in tags:
            found += ["%s: pip %s refuses it for %s" % (path, c, tag) for c in ("download", "install") if not accepted(path, tag, c)]
        other = ELSEWHERE[KINDS[re.sub(r"^(?:many|musl)?(linux|macosx)_\d+_\d+_", r"\1_", tags[0])][0]]
        if accepted(path, other, "download"):
            found.append("%s: pip takes it for %s" % (path, other))
    if found:
        raise SystemExit("\n".join(found))
    print("check_wheels: %d wheels are in order" % len(paths))


if __name__ == "__main__":
    main(sys.argv[1:])
