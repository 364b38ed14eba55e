"""The goods: fixed, in memory, the same in every worker. Prices are in cents."""

from collections import namedtuple

Product = namedtuple("Product", "slug name price colour text")

PRODUCTS = [
    Product("brass-valve", "Brass valve", 1890, "#c9a227", "Quarter turn, full bore. Stays shut when it should."),
    Product("copper-pipe", "Copper pipe, 1 m", 1250, "#b87333", "22 mm, drawn and annealed. Bends without a kink."),
    Product("pressure-gauge", "Pressure gauge", 2400, "#5b7c99", "0 to 10 bar, glycerine filled, easy to read."),
    Product("hose-reel", "Hose reel", 7900, "#9b2d20", "25 m of flat hose on a steel drum."),
    Product("wrench", "Adjustable wrench", 3150, "#6c757d", "Opens to 34 mm. The jaw does not creep."),
    Product("joint-kit", "Joint kit", 990, "#2d6a4f", "Washers, tape and olives for a Saturday’s work."),
]

BY_SLUG = {p.slug: p for p in PRODUCTS}


def euros(cents):
    return "€ %d.%02d" % divmod(cents, 100)
