"""What the emulator of Google Cloud Storage lacks of the XML API.

Preconditions, tags, dates, lists, and how objects are taken away.

Run in the emulator's own environment in place of its command. It answers one request after the
other, so that a precondition and the write that it guards are one.
"""

from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from gcp_storage_emulator import server
from gcp_storage_emulator.__main__ import main
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects


def upload(request: Any, response: Any, storage: Any) -> None:  # noqa: ANN401
    """Write an object if its generation is the one that is asked for; 0 where there is none."""
    _ = request.data  # read in any case, or the client would wait
    wanted = request.get_header("x-goog-if-generation-match")
    known = _object(request, storage)
    if wanted is not None and wanted != (known["generation"] if known else "0"):
        response.status = HTTPStatus.PRECONDITION_FAILED
        return
    objects.xml_upload(request, response, storage)
    _describe(request, response, storage)


def download(request: Any, response: Any, storage: Any) -> None:  # noqa: ANN401
    """Give an object with its tag, generation and date."""
    objects.download(request, response, storage)
    _describe(request, response, storage)


def remove(request: Any, response: Any, storage: Any) -> None:  # noqa: ANN401
    """Take an object away; the emulator's own answer for one that is not there is 404, too."""
    objects.delete(request, response, storage)
    if response.status == HTTPStatus.OK:
        response.status = HTTPStatus.NO_CONTENT


def list_objects(request: Any, response: Any, storage: Any) -> None:  # noqa: ANN401
    """List what begins with a prefix, all in one answer."""
    prefix = request.query.get("prefix", [""])[0]
    found, _ = storage.get_file_list(request.params["bucket_name"], prefix or None)
    entries = "".join(
        f"<Contents><Key>{escape(one['name'])}</Key><Size>{one['size']}</Size>"
        f"<LastModified>{one['updated']}</LastModified><ETag>{one['etag']}</ETag></Contents>"
        for one in found
    )
    response["Content-Type"] = "application/xml"
    response.write(f"<ListBucketResult>{entries}</ListBucketResult>")


def _object(request: Any, storage: Any) -> Any:  # noqa: ANN401
    try:
        return storage.get_file_obj(request.params["bucket_name"], request.params["object_id"])
    except NotFound:
        return None


def _describe(request: Any, response: Any, storage: Any) -> None:  # noqa: ANN401
    if known := _object(request, storage):
        response["ETag"] = f'"{known["etag"]}"'
        response["x-goog-generation"] = known["generation"]
        response["Last-Modified"] = formatdate(usegmt=True)


if __name__ == "__main__":
    *others, (pattern, _) = server.HANDLERS
    server.HANDLERS = (
        *others,
        (pattern, {"GET": download, "PUT": upload, "DELETE": remove}),
        (r"^/(?P<bucket_name>[-.\w]+)/?$", {"GET": list_objects}),
    )
    main()
