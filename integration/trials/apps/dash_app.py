"""Dash: the first example of its documentation, and the callback that a browser would post."""

import json

from trial import Trial


class Dash(Trial):
    name = "dash"
    requirements = ("dash==4.4.1",)
    app = "app:server"

    def prepare(self, project):
        project.write("assets/style.css", "h1 { color: #456 }\n")
        project.write(
            "app.py",
            """from dash import Dash, Input, Output, callback, dcc, html

app = Dash()
server = app.server
app.layout = [html.H1("Trial"), dcc.Dropdown(["a", "b"], "a", id="choice"), html.Div(id="out")]

@callback(Output("out", "children"), Input("choice", "value"))
def update(value):
    return "chosen: %s" % value
""",
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page)
        browser.get("/_dash-layout")
        browser.get("/_dash-dependencies")
        body = {
            "output": "out.children",
            "outputs": {"id": "out", "property": "children"},
            "inputs": [{"id": "choice", "property": "value", "value": "b"}],
            "changedPropIds": ["choice.value"],
            "parsedChangedPropsIds": ["choice.value"],
        }
        got = browser.send(
            "POST", "/_dash-update-component", json.dumps(body).encode(), label="a callback", fields={"Content-Type": "application/json"}
        )
        browser.check("the callback ran", "chosen: b" in got.text)
