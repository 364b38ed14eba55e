"""MLflow's tracking server: runs, metrics, and the upload and download of an artifact."""

import json

from trial import Trial

ARTIFACT = bytes(range(256)) * 20000


class MLflow(Trial):
    name = "mlflow"
    requirements = ("mlflow==3.17.2", "setuptools==81.0.0")
    app = "mlflow.server:app"
    env = {
        "_MLFLOW_SERVER_FILE_STORE": "sqlite:///{project}/mlflow.db",
        "_MLFLOW_SERVER_REGISTRY_STORE": "sqlite:///{project}/mlflow.db",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": "{project}/artifacts",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    standpipe = ("-w", "1", "--boot-timeout", "180")
    gunicorn = ("-w", "1")

    def prepare(self, project):
        project.run(
            "python",
            "-c",
            "from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore; import os; SqlAlchemyStore(os.environ['_MLFLOW_SERVER_FILE_STORE'], 'mlflow-artifacts:/')",
        )

    def visit(self, browser):
        page = browser.get("/")
        browser.assets(page, "the interface's files")

        def call(name, body, label):
            return browser.send(
                "POST",
                "/api/2.0/mlflow/" + name,
                json.dumps(body).encode(),
                label=label,
                record=False,
                fields={"Content-Type": "application/json"},
            )

        made = call("experiments/create", {"name": "trial"}, "create an experiment")
        browser.check("the experiment was made", made.status == 200)
        run = call("runs/create", {"experiment_id": made.json()["experiment_id"], "start_time": 1}, "create a run").json()["run"]["info"][
            "run_id"
        ]
        browser.check(
            "a metric is logged", call("runs/log-metric", {"run_id": run, "key": "loss", "value": 0.5, "timestamp": 1}, "log").status == 200
        )
        got = browser.send("GET", "/api/2.0/mlflow/runs/get?run_id=" + run, record=False)
        browser.check("and comes back", got.json()["run"]["data"]["metrics"][0]["value"] == 0.5)
        put = browser.send(
            "PUT",
            "/api/2.0/mlflow-artifacts/artifacts/blob.bin",
            ARTIFACT,
            label="upload an artifact",
            fields={"Content-Type": "application/octet-stream"},
        )
        browser.check("it was taken", put.status == 200)
        browser.check("it is whole", browser.get("/api/2.0/mlflow-artifacts/artifacts/blob.bin", "download it").body == ARTIFACT)
        browser.get("/api/2.0/mlflow/no-such-call", "an unknown call")
