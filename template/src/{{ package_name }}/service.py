"""The API, and its page. Routes of one's own stand below: it is a FastAPI application.

What the runtime answers beside them is shown at `/docs`.
"""

from fourhats_runtime.business import Business
from fourhats_runtime.serve import create_app

from .project import project

app = create_app(project)


@app.get("/owner")
def owner() -> dict[str, str]:
    """Say which decision is taken by an answer, and who owns it."""
    business = project.settings(Business)
    return {"decision": business.decision, "owner": business.owner}
