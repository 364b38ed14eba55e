"""A client that keeps cookies, fills in forms, and records what it was answered."""

import hashlib
import html
import html.parser
import http.client
import json
import re
import urllib.parse
import uuid


class Answer:
    """One answer, read to its end."""

    def __init__(self, url, status, reason, fields, body):
        self.url = url
        self.status = status
        self.reason = reason
        self.fields = fields  # [(name, value)]
        self.body = body

    def field(self, name):
        return ", ".join(v for n, v in self.fields if n.lower() == name.lower())

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json.loads(self.body)

    def fields_of_form(self, containing=""):
        """The hidden and preset fields of the form that holds containing."""
        for form in _Forms.read(self.text):
            if containing in form.text or containing in form.names:
                return dict(form.fields), form.action
        raise AssertionError("%s has no form with %r: %.500s" % (self.url, containing, self.text))

    def links(self):
        """The stylesheets, scripts, images and fonts that the page names."""
        tags = re.findall(
            r"""<(?:link\b(?=[^>]*\brel=["']?(?:stylesheet|[\w ]*icon|preload|modulepreload))|script\b|img\b)[^>]*>""", self.text
        )
        found = [m.group(1) for m in (re.search(r"""\b(?:href|src)=["']([^"'#]+)["']""", tag) for tag in tags) if m]
        return [html.unescape(link) for link in found if not link.startswith(("data:", "http:", "https:", "//"))]


class Browser:
    """Visits one server. steps are what it recorded: dicts that compare.py understands."""

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.cookies = {}
        self.steps = []

    # What a trial does.

    def get(self, path, label="", follow=True, **fields):
        return self.send("GET", path, label=label, follow=follow, fields=fields)

    def send(self, method, path, body=None, label="", follow=True, fields=None, record=True):
        """Sends one request; keeps cookies; follows redirects (303 and 302 by GET). Each hop is a step."""
        if not path.startswith("/"):
            path = urllib.parse.urlsplit(urllib.parse.urljoin(getattr(self, "page", "/"), path)).path
        answer = self._one(method, path, body, fields or {})
        if record:
            self._record(label or "%s %s" % (method, path.split("?")[0]), answer)
        if follow and answer.status in (301, 302, 303, 307, 308) and answer.field("Location"):
            to = urllib.parse.urlsplit(urllib.parse.urljoin(path, answer.field("Location")))
            target = to.path + ("?" + to.query if to.query else "")
            again = method if answer.status in (307, 308) else "GET"
            return self.send(again, target, body if again == method else None, label=(label or path) + " >", fields=fields, record=record)
        if method in ("GET", "HEAD"):
            self.page = path
        return answer

    def post(self, path, form=None, label="", files=None, follow=True, **fields):
        """Posts a form, as multipart when there are files: {field: (file name, media type, bytes)}."""
        headers = dict(fields)
        if files:
            boundary = uuid.uuid4().hex
            parts = []
            for name, value in (form or {}).items():
                parts.append('--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (boundary, name, value))
            body = "".join(parts).encode()
            for name, (filename, kind, content) in files.items():
                head = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n' % (
                    boundary,
                    name,
                    filename,
                    kind,
                )
                body += head.encode() + content + b"\r\n"
            body += ("--%s--\r\n" % boundary).encode()
            headers["Content-Type"] = "multipart/form-data; boundary=" + boundary
        else:
            body = urllib.parse.urlencode(form or {}).encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers.setdefault("Referer", "http://%s:%d%s" % (self.host, self.port, path))
        return self.send("POST", path, body, label=label, follow=follow, fields=headers)

    def submit(self, page, containing, values, label="", files=None, follow=True):
        """Fills in the form of a page and posts it."""
        fields, action = page.fields_of_form(containing)
        fields.update(values)
        base = page.url
        target = urllib.parse.urljoin(base, action) if action else base
        parts = urllib.parse.urlsplit(target)
        return self.post(parts.path + ("?" + parts.query if parts.query else ""), fields, label=label, files=files, follow=follow)

    def assets(self, page, label="assets"):
        """Fetches everything that the page names; records it as one step, in the page's order."""
        seen = []
        for link in page.links():
            parts = urllib.parse.urlsplit(urllib.parse.urljoin(page.url, link))
            path = parts.path + ("?" + parts.query if parts.query else "")
            answer = self._one("GET", path, None, {})
            seen.append("%s %d %s %s" % (normal(path), answer.status, kind(answer), digest(answer.body)))
        self.steps.append({"label": label, "assets": seen})
        if not seen:
            raise AssertionError("%s names no stylesheet, script or image" % page.url)
        return seen

    def check(self, what, ok):
        """Records whether something is as it should be, whatever the server."""
        self.steps.append({"label": "check: " + what, "ok": bool(ok)})

    # The wire.

    def _one(self, method, path, body, fields):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=120)
        try:
            headers = {"User-Agent": "trial", "Accept": "*/*"}
            if self.cookies:
                headers["Cookie"] = "; ".join("%s=%s" % item for item in self.cookies.items())
            headers.update(fields)
            if body is None and method in ("POST", "PUT", "PATCH"):
                body = b""
            connection.request(method, urllib.parse.quote(path, safe="/?&=%+~:,;@!$'()*#[]"), body, headers)
            response = connection.getresponse()
            answer = Answer(path, response.status, response.reason, response.getheaders(), response.read())
        finally:
            connection.close()
        for name, value in answer.fields:
            if name.lower() == "set-cookie":
                pair = value.split(";")[0]
                key, _, val = pair.partition("=")
                if re.search(r"max-age=0\b|expires=Thu, 01.Jan.1970", value, re.I):
                    self.cookies.pop(key.strip(), None)
                else:
                    self.cookies[key.strip()] = val
        return answer

    def _record(self, label, answer):
        step = {"label": label, "status": answer.status, "reason": answer.reason, "type": media(answer)}
        for name in ("Location", "Allow", "WWW-Authenticate", "DAV", "Content-Disposition", "Content-Range", "Vary", "X-Frame-Options"):
            if answer.field(name):
                step[name.lower()] = normal(answer.field(name))
        if "allow" in step:  # a set in Python
            step["allow"] = ", ".join(sorted(step["allow"].replace(" ", "").split(",")))
        step["cookies"] = sorted(v.split("=")[0] for n, v in answer.fields if n.lower() == "set-cookie")
        step["body"] = digest(answer.body)
        step["text"] = normal(answer.text)[:100000]
        self.steps.append(step)


def media(answer):
    return answer.field("Content-Type").replace('"', "").replace(" ", "").lower()


def kind(answer):
    """The media type of a static file without its parameters; nginx knows the older of two names."""
    name = media(answer).split(";")[0]
    return {"application/javascript": "text/javascript", "image/x-icon": "image/vnd.microsoft.icon"}.get(name, name)


def normal(text):
    """text without what differs from run to run: ports, tokens, times, ids."""
    for pattern, to in _CHANGING:
        text = pattern.sub(to, text)
    return text


def digest(body):
    """What stands for a body: a hash of it without what changes."""
    try:
        body = normal(body.decode("utf-8")).encode()
    except UnicodeDecodeError:
        pass
    return hashlib.sha256(body).hexdigest()[:16]


_CHANGING = [
    (re.compile(r"""("end_id":")[^"]+"""), r"\1TOKEN"),
    (re.compile(r"/bin/python3?\b"), "/bin/python"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d%3A\d\d%3A\d\dZ"), "TIME"),
    (re.compile(r"\b\d+ (?:second|minute)s? ago"), "AGO"),
    (re.compile(r"""(form_token=["'])[^"']+"""), r"\1TOKEN"),
    (re.compile(r"\b1[789]\d{8}(\d{6}|\.\d+)?\b"), "EPOCH"),
    (re.compile(r"opaquelocktoken:[0-9a-fx-]+"), "LOCK"),
    (re.compile(r"(quota-(?:used|available)-bytes>)\d+"), r"\1N"),
    (re.compile(r"127\.0\.0\.1:\d+|localhost:\d+"), "HOST"),
    (re.compile(r"""(name=["']?(?:csrf\w*|_csrf_token|authenticity_token|nonce|__FORM_TOKEN)["']?[^>]*?value=["'])[^"']*"""), r"\1TOKEN"),
    (re.compile(r"""(value=["'])[^"']*(["'][^>]*name=["'](?:csrf\w*|__FORM_TOKEN)["'])"""), r"\1TOKEN\2"),
    (re.compile(r"""(csrf_?-?token["']?\s*[:=]\s*["'])[^"']+""", re.I), r"\1TOKEN"),
    (re.compile(r"""(nonce=["'])[^"']+"""), r"\1NONCE"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d( GMT| [+-]\d{4})?"), "DATE"),
    (re.compile(r"\b\d{1,2}:\d\d(:\d\d)?( ?[ap]\.?m\.?)?", re.I), "CLOCK"),
]


class _Forms(html.parser.HTMLParser):
    """Reads the forms of a page: action, fields with their values, and their text."""

    @classmethod
    def read(cls, text):
        parser = cls()
        parser.feed(text)
        return parser.forms

    def __init__(self):
        super().__init__()
        self.forms = []
        self._form = None
        self._select = None

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        if tag == "form":
            self._form = _Form(a.get("action") or "")
            self.forms.append(self._form)
        if self._form is None:
            return
        name = a.get("name")
        if tag == "input" and name:
            self._form.names += " " + name
            kind = (a.get("type") or "text").lower()
            if kind in ("checkbox", "radio"):
                if "checked" in a:
                    self._form.fields[name] = a.get("value") or "on"
            elif kind not in ("submit", "button", "image", "file", "reset"):
                self._form.fields[name] = a.get("value") or ""
        elif tag == "textarea" and name:
            self._form.names += " " + name
            self._form.fields[name] = ""
        elif tag == "select" and name:
            self._form.names += " " + name
            self._select = name
        elif tag == "option" and self._select and ("selected" in a or self._select not in self._form.fields):
            self._form.fields[self._select] = a.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None

    def handle_data(self, data):
        if self._form is not None:
            self._form.text += data


class _Form:
    def __init__(self, action):
        self.action = action
        self.fields = {}
        self.names = ""
        self.text = ""
