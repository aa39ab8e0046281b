"""The page of monitoring, as the step `monitor` wrote it."""

import base64
import hashlib
import re
from pathlib import Path

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
NOT_YET = """\
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Monitoring</title></head>
<body>
<h1>Monitoring</h1>
<p>It has not run yet: the step <code>monitor</code> writes this page.</p>
</body>
</html>
"""


def report(path: Path) -> tuple[str, str]:
    """Give the page, and the policy that it is shown by: no script, no style but its first."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = NOT_YET
    found = STYLE.search(text)
    digest = hashlib.sha256((found[1] if found else "").encode()).digest()
    return text, (
        f"default-src 'none'; style-src 'sha256-{base64.b64encode(digest).decode()}'; "
        "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
