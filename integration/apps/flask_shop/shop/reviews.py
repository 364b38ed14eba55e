"""Reviews with a picture. They live in the worker that took them and are gone when it is: this is a sample."""

import hashlib

from flask import Blueprint, Response, abort, redirect, request, url_for

from .goods import BY_SLUG

bp = Blueprint("reviews", __name__)

KEPT = 20  # per worker; the oldest goes
TYPES = {"image/png", "image/jpeg", "image/gif", "image/webp"}

_reviews = []  # (slug, text, digest)
_pictures = {}  # digest: (content type, bytes)


def of(slug):
    return [r for r in _reviews if r[0] == slug]


@bp.post("/product/<slug>/review")
def add(slug):
    if slug not in BY_SLUG:
        abort(404)
    picture = request.files.get("picture")
    digest = ""
    if picture and picture.filename:
        if picture.mimetype not in TYPES:
            abort(415)
        data = picture.read()
        digest = hashlib.sha256(data).hexdigest()
        _pictures[digest] = (picture.mimetype, data)
    _reviews.append((slug, request.form.get("text", "")[:500], digest))
    if len(_reviews) > KEPT:
        old = _reviews.pop(0)
        if not any(r[2] == old[2] for r in _reviews):
            _pictures.pop(old[2], None)
    response = redirect(url_for("pages.product", slug=slug), code=303)
    response.headers["X-Picture-SHA256"] = digest
    return response


@bp.get("/picture/<digest>")
def picture(digest):
    kind, data = _pictures.get(digest) or abort(404)
    return Response(data, mimetype=kind)
