"""A small shop in Flask: what `make run` serves. No database: the goods are in the code, the cart is in a signed cookie."""

import os

from flask import Flask, render_template


def create_app():
    app = Flask(__name__)
    # Every worker must sign with the same key, or a cart would be lost at each request that meets another worker.
    app.secret_key = os.environ.get("SHOP_SECRET", "change me in production")
    app.config["MAX_CONTENT_LENGTH"] = 8 * 1024 * 1024

    from . import cart, export, pages, reviews

    for part in (pages, cart, reviews, export):
        app.register_blueprint(part.bp)

    @app.errorhandler(404)
    def not_found(error):
        return render_template("error.html", code=404, title="Nothing on this shelf"), 404

    @app.errorhandler(413)
    def too_large(error):
        return render_template("error.html", code=413, title="That picture is too large"), 413

    @app.errorhandler(500)
    def failed(error):
        return render_template("error.html", code=500, title="Something broke behind the counter"), 500

    return app
