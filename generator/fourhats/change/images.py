"""The digest behind an image's tag is the project's own: Renovate renews it between two updates.

So where a project has another digest behind a tag than was rendered, what the template has there
does not contradict it. Where the template names another tag, that and its digest are taken over.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourhats.change.store import Entry, Listing, Store

_FILE = "100"
_BEFORE = rb"(?<![\w./:@-])"
_DIGEST = rb"@sha256:[0-9a-f]{64}\b"
_PINNED = re.compile(_BEFORE + rb"([\w./-]+:[\w.-]+)" + _DIGEST)


def settle_digests(
    store: Store, base: Listing, yours: Listing, theirs: Listing, renamed: Mapping[str, str]
) -> dict[str, Entry]:
    """Take what only digests make different out of a merge; return yours as they were."""
    as_they_were = {}
    for path in base.keys() & yours.keys():
        place = renamed.get(path, path)
        entries = (base[path], yours[path], theirs.get(place, base[path]))
        if len(set(entries)) < len(entries) or {mode[:3] for mode, _ in entries} != {_FILE}:
            continue
        contents = store.blobs(oid for _, oid in entries)
        versions = [contents[oid] for _, oid in entries]
        settled = with_one_digest(*versions)
        for side, name, version, now in zip(
            (base, yours, theirs), (path, path, place), versions, settled, strict=True
        ):
            if now != version:
                side[name] = (side[name][0], store.write(now))
        if yours[path] != entries[1]:
            as_they_were[path] = entries[1]
    return as_they_were


def with_one_digest(base: bytes, yours: bytes, theirs: bytes) -> tuple[bytes, bytes, bytes]:
    """Give the versions of a file, all with the digest that is to stay behind a tag."""
    for tag in sorted({*_PINNED.findall(base), *_PINNED.findall(yours)}):
        image = re.compile(_BEFORE + re.escape(tag) + rb"(?:" + _DIGEST + rb"|(?![\w.@-]))")
        rendered, own = image.findall(base), image.findall(yours)
        renewed = len(set(rendered)) == len(set(own)) == 1 and rendered != own
        # One more than was rendered, or fewer, is somebody's own work.
        if not renewed or len(rendered) != len(own):
            continue
        if image.search(theirs):
            base, theirs = image.sub(own[0], base), image.sub(own[0], theirs)
        else:
            yours = image.sub(rendered[0], yours)
    return base, yours, theirs
