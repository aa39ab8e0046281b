"""Refresh the digests of the images that a rendered project builds on, runs, or is scanned by.

Each stands once, in `includes/images.jinja`, by its tag and by the digest of what a registry has
behind that tag: of its index, which names a manifest for every platform. A tag is raised there by
hand. Run by `make pins`; where one image cannot be had, nothing is written.
"""

import argparse
import hashlib
import re
import sys
from collections.abc import Generator
from http import HTTPStatus
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "includes" / "images.jinja"
REGISTRY = "https://registry-1.docker.io"
IMAGE = re.compile(r'"(?P<name>[\w./-]+):(?P<tag>[\w.-]+)(?:@sha256:[0-9a-f]{64})?"')
INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)


class PinsError(Exception):
    """What keeps an image from being pinned, in one line."""


def main(arguments: list[str] | None = None) -> None:
    """Ask for every image, then write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--registry", default=REGISTRY, help="its address (default: %(default)s)")
    parser.add_argument("--file", type=Path, default=IMAGES, help="default: %(default)s")
    given = parser.parse_args(arguments)
    text = given.file.read_text(encoding="utf-8")
    try:
        with httpx.Client(base_url=given.registry, timeout=30) as registry:
            renewed = IMAGE.sub(lambda found: f'"{pinned(found, registry)}"', text)
    except PinsError as error:
        sys.exit(f"pins: {error}")
    given.file.write_text(renewed, encoding="utf-8")
    before, after = text.splitlines(), renewed.splitlines()
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    print(f"{given.file.name}: {len(IMAGE.findall(text))} images, {changed} renewed")


def pinned(image: re.Match[str], registry: httpx.Client) -> str:
    """Give an image with the digest that stands behind its tag today. Raises PinsError."""
    said = f"{image['name']}:{image['tag']}"
    name = image["name"] if "/" in image["name"] else f"library/{image['name']}"
    try:
        # Not by HEAD: what it says of the digest could not be checked.
        answer = registry.get(
            f"/v2/{name}/manifests/{image['tag']}",
            headers={"Accept": ", ".join(INDEXES)},
            auth=Token(),
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise PinsError(f"{registry.base_url} was asked for {said}: {error}") from None
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise PinsError(f"{registry.base_url} has no {said}: name another tag in {IMAGES.name}")
    if answer.status_code != HTTPStatus.OK:
        raise PinsError(f"{answer.url} was asked for {said} and answered {answer.status_code}")
    kind = answer.headers.get("Content-Type", "no type").partition(";")[0]
    if kind not in INDEXES:
        raise PinsError(f"{said} is there for one platform only ({kind})")
    digest = f"sha256:{hashlib.sha256(answer.content).hexdigest()}"
    claimed = answer.headers.get("Docker-Content-Digest", digest)
    if claimed != digest:
        raise PinsError(f"{said} came with {digest} and was announced with {claimed}")
    return f"{said}@{digest}"


class Token(httpx.Auth):
    """Fetches the token that a registry wants to see, as it says itself where it refuses."""

    requires_response_body = True

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Ask; where that is refused, ask where the refusal says, and again."""
        refused = yield request
        challenge = refused.headers.get("WWW-Authenticate", "")
        if refused.status_code != HTTPStatus.UNAUTHORIZED or not challenge.startswith("Bearer "):
            return
        wanted = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        given = yield httpx.Request("GET", wanted.pop("realm", ""), params=wanted)
        if given.status_code != HTTPStatus.OK:
            raise PinsError(f"{given.url} answered {given.status_code}, not with a token")
        found = re.search(r'"(?:access_)?token"\s*:\s*"([^"]+)"', given.text)
        if found is None:
            raise PinsError(f"{given.url} answered without a token")
        request.headers["Authorization"] = f"Bearer {found[1]}"
        yield request


if __name__ == "__main__":
    main()
