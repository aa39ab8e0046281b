"""What PostgreSQL and its driver say against something, in one line and without a secret."""

from urllib.parse import unquote, urlsplit

# What the client says of an address that it cannot read names the part that it stumbled over.
UNREADABLE = ("percent-encoded", "unexpected spaces", "invalid URI", "invalid port", 'missing "="')


def reason(error: Exception, url: str) -> str:
    """Give the line that says why."""
    text = str(error)
    if any(words in text for words in UNREADABLE):
        return "the address cannot be read: percent-encode what is special in its password"
    for secret in (url, *_passwords(url)):
        text = text.replace(secret, "…")
    said = [line for line in text.splitlines() if "ERROR:" in line or "FATAL:" in line]
    line = (said or text.splitlines() or [""])[0]
    for mark in ("ERROR:", "FATAL:"):
        line = line.partition(mark)[2] or line
    return line.strip()


def _passwords(url: str) -> list[str]:
    try:
        password = urlsplit(url).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []
