from flask import Blueprint, abort, jsonify, render_template

from .cart import count
from .goods import BY_SLUG, PRODUCTS, euros
from .reviews import of

bp = Blueprint("pages", __name__)


@bp.app_context_processor
def common():
    return {"euros": euros, "cart_count": count()}


@bp.get("/")
def index():
    return render_template("index.html", products=PRODUCTS)


@bp.get("/product/<slug>")
def product(slug):
    return render_template("product.html", product=BY_SLUG.get(slug) or abort(404), reviews=of(slug))


@bp.get("/api/products")
def api():
    return jsonify([p._asdict() for p in PRODUCTS])


@bp.get("/broken")
def broken():
    raise RuntimeError("the till is jammed")  # shows the error page, and the traceback in the log
