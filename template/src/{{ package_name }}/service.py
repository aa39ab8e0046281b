"""The API, and its page. Routes of one's own stand below: it is a FastAPI application.

`POST /predict`, `/explain` and `/outcomes`, `GET /`, `/health`, `/ready` and `/metrics` are there.
"""

from fourhats_runtime.business import Business
from fourhats_runtime.serve import create_app

from .project import project

app = create_app(project)


@app.get("/owner")
def owner() -> dict[str, str]:
    """Say which decision is taken on a prediction, and who owns it."""
    business = project.settings(Business)
    return {"decision": business.decision, "owner": business.owner}
