import csv
import io

from flask import Blueprint, Response, request

from .goods import PRODUCTS

bp = Blueprint("export", __name__)


@bp.get("/export.csv")
def export():
    """The price list, `rows` lines long, streamed: no more than one line of it is in memory."""
    rows = min(request.args.get("rows", 1000, type=int), 1_000_000)

    def lines():
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(["number", "product", "price"])
        for n in range(rows):
            p = PRODUCTS[n % len(PRODUCTS)]
            writer.writerow([n + 1, p.name, "%d.%02d" % divmod(p.price, 100)])
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
        yield buffer.getvalue()

    return Response(lines(), mimetype="text/csv", headers={"Content-Disposition": "attachment; filename=prices.csv"})
