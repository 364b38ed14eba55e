from flask import Blueprint, abort, redirect, render_template, request, session, url_for

from .goods import BY_SLUG

bp = Blueprint("cart", __name__, url_prefix="/cart")


def count():
    return sum(session.get("cart", {}).values())


@bp.get("")
def show():
    lines = [(BY_SLUG[slug], n) for slug, n in session.get("cart", {}).items() if slug in BY_SLUG]
    return render_template("cart.html", lines=lines, total=sum(p.price * n for p, n in lines))


@bp.post("")
def add():
    slug = request.form["product"]
    quantity = request.form.get("quantity", 1, type=int)
    if slug not in BY_SLUG or not 1 <= quantity <= 99:
        abort(400)
    cart = session.get("cart", {})
    cart[slug] = cart.get(slug, 0) + quantity
    session["cart"] = cart
    return redirect(url_for("cart.show"), code=303)


@bp.post("/empty")
def empty():
    session.pop("cart", None)
    return redirect(url_for("cart.show"), code=303)
