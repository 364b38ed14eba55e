"""Takes the answers of nginx to the requests of table_test.go: python3 record.py [NGINX]. Writes version and answers.json beside itself.

The requests are made here; the Go test reads them from answers.json, makes the same files, and needs no nginx. In a request {etag:NAME} stands
for the server's own ETag of that file.
"""

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MTIME = 1714979289  # Mon, 06 May 2024 07:08:09 GMT
DATE = "Mon, 06 May 2024 07:08:09 GMT"
BEFORE = "Mon, 06 May 2024 07:08:08 GMT"
AFTER = "Mon, 06 May 2024 07:08:10 GMT"

BIG = "0123456789"  # is in answers.json once
FILES = {
    "hello.txt": "abcdefghijklmnopqrstuvwxyz",
    "empty.txt": "",
    "css/a.css": "body{color:#123456}\n" * 100,
    "js/m.mjs": "export default 1;\n",
    "js/app.js": "console.log(1);\n",
    "data.json": '{"a": 1}\n',
    "pic.png": "\x89PNG not really",
    "font.woff2": "wOF2 not really",
    "app.wasm": "\0asm",
    "README": "no suffix",
    "UPPER.TXT": "upper",
    "sp ace.txt": "blank",
    "ü.txt": "umlaut",
    "100%.txt": "percent",
    "a+b.txt": "plus",
    "semi;colon.txt": "semicolon",
    "q?mark.txt": "question",
    "hash#.txt": "hash",
    "page/index.html": "<title>page</title>",
    "noindex/x.txt": "x",
    ".hidden": "hidden",
    ".well-known/security.txt": "known",
    "deep/a/b/c/d.txt": "deep",
    "big.bin": BIG * 10000,
}


def requests():
    def case(target, *fields, method="GET"):
        cases.append({"method": method, "target": "/s/" + target, "fields": list(fields)})

    cases = []
    for name in (
        "hello.txt empty.txt css/a.css js/m.mjs js/app.js data.json pic.png font.woff2 app.wasm README UPPER.TXT deep/a/b/c/d.txt page/index.html "
        "sp%20ace.txt %C3%BC.txt 100%25.txt a+b.txt a%2Bb.txt semi;colon.txt semi%3bcolon.txt q%3Fmark.txt hash%23.txt hell%6f.txt %68ello.txt "
        "deep%2Fa/b/c/d.txt .well-known/security.txt hello.txt?x=1 hello.txt?../x hello.txt?"
    ).split():
        case(name)
        case(name, method="HEAD")
    for name in (
        "none.txt hello.txt/ hello.txt/x .hidden noindex noindex/ page page/ page?a=b Hello.txt hello.TXT css css/ x/../hello.txt ../s/hello.txt "
        "./hello.txt %2e/hello.txt x/%2e%2e/hello.txt deep//a/b/c/d.txt deep/a/b/../b/c/d.txt hello.txt%00 hello.txt%20 hello.txt. hello%2etxt "
        "deep\\a hello.txt%0a %00 css/.. css/a.css.gz css%5ca.css hello.txt;x %2fhello.txt"
    ).split():
        case(name)
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "MKCOL"):
        case("hello.txt", method=method)
        case("none.txt", method=method)
    tag = "{etag:hello.txt}"
    for fields in (
        ["If-None-Match: " + tag],
        ["If-None-Match: W/" + tag],
        ['If-None-Match: "x"'],
        ['If-None-Match: "x", ' + tag],
        ["If-None-Match: *"],
        ["If-None-Match: x"],
        ["If-Modified-Since: " + DATE],
        ["If-Modified-Since: " + BEFORE],
        ["If-Modified-Since: " + AFTER],
        ["If-Modified-Since: yesterday"],
        ["If-Modified-Since: Monday, 06-May-24 07:08:09 GMT"],
        ["If-Modified-Since: Mon May  6 07:08:09 2024"],
        ['If-None-Match: "x"', "If-Modified-Since: " + DATE],
        ["If-None-Match: " + tag, "If-Modified-Since: " + BEFORE],
        ["If-Match: " + tag],
        ["If-Match: W/" + tag],
        ['If-Match: "x"'],
        ['If-Match: "x", ' + tag],
        ["If-Match: *"],
        ["If-Unmodified-Since: " + DATE],
        ["If-Unmodified-Since: " + BEFORE],
        ["If-Unmodified-Since: " + AFTER],
        ["If-Unmodified-Since: tomorrow"],
        ["If-Match: " + tag, "If-None-Match: " + tag],
        ['If-Match: "x"', "If-None-Match: " + tag],
        ["If-Match: " + tag, "If-Unmodified-Since: " + BEFORE],
        ["If-Unmodified-Since: " + DATE, "If-Modified-Since: " + DATE],
    ):
        case("hello.txt", *fields)
    case("hello.txt", "If-None-Match: " + tag, method="HEAD")
    case("hello.txt", 'If-Match: "x"', method="HEAD")
    case("none.txt", "If-Match: *")
    case("none.txt", "If-None-Match: *")
    for spec in (
        "bytes=0-0 bytes=0-9 bytes=5- bytes=-5 bytes=25- bytes=25-25 bytes=26- bytes=26-30 bytes=0-25 bytes=0-100 bytes=-100 bytes=-0 bytes=5-4 "
        "bytes=a-b bytes= bytes bytes=- octets=0-1 BYTES=0-1 bytes=0-1,3-4 bytes=0-1,0-1 bytes=0-5,3-8 bytes=20-,0-3 bytes=0-0,-1 bytes=0-1,99-100 "
        "bytes=99-100,101-102 bytes=0-1,a-b bytes=,0-1 bytes=0-1, bytes=1-1,3-3,5-5,7-7 bytes=99999999999999999999- bytes=0-99999999999999999999 "
        "bytes=0x1-2 bytes=+1-2 bytes=1-2-3"
    ).split():
        case("hello.txt", "Range: " + spec)
    case("hello.txt", "Range: bytes=" + ",".join("%d-%d" % (i, i) for i in range(0, 26, 2)))
    case("hello.txt", "Range: bytes=" + ",".join("%d-%d" % (i, i) for i in range(17)))
    case("hello.txt", "Range: bytes= 0-1")
    case("hello.txt", "Range: bytes=0-1 , 3-4")
    case("hello.txt", "Range: bytes=0-1", method="HEAD")
    case("empty.txt", "Range: bytes=0-")
    case("empty.txt", "Range: bytes=-1")
    case("big.bin", "Range: bytes=0-9")
    case("big.bin", "Range: bytes=99990-")
    case("big.bin", "Range: bytes=-7")
    case("big.bin", "Range: bytes=70000-70009,5-9")
    case("big.bin", "Range: bytes=100000-")
    case("big.bin", method="HEAD")
    for fields in (
        ["If-Range: " + tag],
        ["If-Range: W/" + tag],
        ['If-Range: "x"'],
        ["If-Range: " + DATE],
        ["If-Range: " + BEFORE],
        ["If-Range: " + AFTER],
        ["If-Range: x"],
    ):
        case("hello.txt", "Range: bytes=0-4", *fields)
    case("hello.txt", "Range: bytes=0-4", "If-None-Match: " + tag)
    case("hello.txt", "Range: bytes=99-", "If-None-Match: " + tag)
    case("hello.txt", "Range: bytes=99-", 'If-Match: "x"')
    for accept in ("gzip", "gzip;q=0", "gzip;q=0.5", "identity", "deflate", "*", "gzip, deflate, br", "br", "x-gzip", "GZIP", ""):
        case("css/a.css", "Accept-Encoding: " + accept)
    case("css/a.css", "Accept-Encoding: gzip", "Range: bytes=0-4")
    case("css/a.css", "Accept-Encoding: gzip", method="HEAD")
    case("hello.txt", "Accept-Encoding: gzip")
    return cases


def exchange(port, case, etags):
    def fill(text):
        return re.sub(r"\{etag:([^}]*)\}", lambda m: etags(m.group(1)), text)

    lines = ["%s %s HTTP/1.1" % (case["method"], case["target"]), "Host: t", "Connection: close"] + [fill(f) for f in case["fields"]]
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
        raw = b""
        while True:
            part = s.recv(65536)
            if not part:
                return raw.decode("latin-1")
            raw += part


def main():
    nginx = sys.argv[1] if len(sys.argv) > 1 else "nginx"
    root = tempfile.mkdtemp()
    os.chmod(root, 0o755)
    for name, content in FILES.items():
        path = os.path.join(root, "www", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        data = content.encode("utf-8" if name == "ü.txt" else "latin-1")
        with open(path, "wb") as f:
            f.write(data)
        os.utime(path, (MTIME, MTIME))
    zipped = gzip.compress(FILES["css/a.css"].encode(), mtime=0)
    path = os.path.join(root, "www", "css/a.css.gz")
    with open(path, "wb") as f:
        f.write(zipped)
    os.utime(path, (MTIME, MTIME))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with open(os.path.join(HERE, "nginx.conf")) as f:
        conf = f.read().replace("ROOT", root).replace("PORT", str(port))
    with open(os.path.join(root, "nginx.conf"), "w") as f:
        f.write(conf)
    server = subprocess.Popen([nginx, "-c", os.path.join(root, "nginx.conf"), "-e", os.path.join(root, "error.log")])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)

        def etag(name):
            raw = exchange(port, {"method": "HEAD", "target": "/s/" + name, "fields": []}, None)
            return re.search(r"(?i)^etag: (.*)\r$", raw, re.M).group(1)

        answers = []
        for case in requests():
            raw = exchange(port, case, etag)
            if case["target"] == "/s/big.bin" and len(raw) > 60000:
                raise SystemExit("too large to keep: %r" % case)
            answers.append(dict(case, answer=raw))
        version = subprocess.run([nginx, "-v"], stderr=subprocess.PIPE, universal_newlines=True).stderr.strip()
        with open(os.path.join(HERE, "version"), "w") as f:
            f.write(version + "\n")
        with open(os.path.join(HERE, "answers.json"), "w") as f:
            json.dump({"files": dict(FILES, **{"big.bin": BIG}), "gz": zipped.decode("latin-1"), "answers": answers}, f, indent=1)
            f.write("\n")
        print("%s: %d answers" % (version, len(answers)))
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(root)


main()
