"""The page /docs: the API's description in Swagger UI, whose script and style are carried along."""

import base64
import hashlib
import re
from pathlib import Path
from posixpath import basename, dirname, relpath
from typing import Any

import fastapi_offline
from fastapi import FastAPI, HTTPException
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

FOLDER = Path(fastapi_offline.__file__).parent / "static"
SCRIPT, STYLE, ICON = "swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"
TYPES = {SCRIPT: "text/javascript", STYLE: "text/css", ICON: "image/png"}
OWN_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
CACHED = {"cache-control": "public, max-age=3600"}


def page(app: FastAPI, docs_url: str) -> HTMLResponse:
    """Show the description of an application, under a policy that lets nothing else be loaded."""
    here = basename(docs_url)  # all addresses are relative: a proxy may put a path before them
    parameters: dict[str, Any] = {"validatorUrl": None, **(app.swagger_ui_parameters or {})}
    shown = get_swagger_ui_html(
        openapi_url=relpath(app.openapi_url or "/", dirname(docs_url)),
        title=app.title,
        swagger_js_url=f"{here}/{SCRIPT}",
        swagger_css_url=f"{here}/{STYLE}",
        swagger_favicon_url=f"{here}/{ICON}",
        init_oauth=app.swagger_ui_init_oauth,
        swagger_ui_parameters=parameters,
    )
    hashes = " ".join(_hashed(script) for script in OWN_SCRIPT.findall(bytes(shown.body)))
    shown.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {hashes}; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return shown


def file(name: str) -> FileResponse:
    """Give a file of the page.

    Raises:
        HTTPException: it has no such file.

    """
    if name not in TYPES:
        raise HTTPException(404)
    return FileResponse(FOLDER / name, media_type=TYPES[name], headers=CACHED)


def _hashed(script: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"
