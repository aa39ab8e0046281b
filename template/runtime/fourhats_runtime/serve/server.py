"""The server: who may reach it, and how it ends."""

import sys
from functools import partial
from typing import Any

from uvicorn.config import STARTUP_FAILURE
from uvicorn.importer import ImportFromStringError, import_from_string

from fourhats_runtime.answer.limits import Serve
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.project import Project
from fourhats_runtime.serve.addresses import is_this_machine
from fourhats_runtime.serve.app import Service, create_app
from fourhats_runtime.serve.ending import Server, Workers
from fourhats_runtime.serve.keys import KeyHashes
from fourhats_runtime.serve.metrics import figures_of_all
from fourhats_runtime.serve.protocol import Config

GRACE_SECONDS = 1.0  # for a 408 to go out before the connection is closed
HEALTH_SECONDS = 30  # that a worker may be mute: on a busy machine, importing takes some


def run(project: Project, host: str, port: int, *, to_everybody: bool) -> None:
    """Serve the application of `project.service` until SIGTERM, then finish what was begun.

    Where `serve.workers` are several they share the port, and one that dies is replaced.

    Raises:
        ProjectError: others could ask without a key, and nobody said that they may; or it cannot
            start as things are set up.

    """
    serve = project.settings(Serve)
    known = project.settings(KeyHashes).api_key_hashes or serve.oidc_issuer
    if not (known or to_everybody or is_this_machine(host)):
        raise ProjectError(
            f"at {host} whoever reaches port {port} could ask: set API_KEY_HASHES (`api-key` makes "
            "a key), or add --open"
        )
    app = _application(project)
    patience = serve.timeout_seconds + GRACE_SECONDS
    options: dict[str, Any] = {
        "host": host,
        "port": port,
        "patience": patience,
        "drain_seconds": serve.drain_seconds,
        "to_everybody": to_everybody,
        "timeout_worker_healthcheck": HEALTH_SECONDS,
        "timeout_graceful_shutdown": round(patience + GRACE_SECONDS),
    }
    if serve.workers == 1:
        _run_here(app, Config(app, **options))
        return
    # What is imported or made by each worker; of the project, what a process can be handed.
    factory = partial(create_app, project.at(project.folder))
    config = Config(
        project.service or factory, factory=not project.service, workers=serve.workers, **options
    )
    _run_workers(config)


def _application(project: Project) -> Any:  # noqa: ANN401 (what takes requests by ASGI)
    """Import the application, or make one where the project has none of its own.

    Raises:
        ProjectError: there is none where the project says, or it is that of another folder.

    """
    if not project.service:
        return create_app(project)
    try:
        app = import_from_string(project.service)
    except ImportFromStringError as error:
        raise ProjectError(f"the project's service {project.service!r}: {error}") from None
    if isinstance(app, Service) and app.project.folder != project.folder:
        raise ProjectError(
            f"{project.service} serves the project in {app.project.folder}: run this there"
        )
    return app


def _run_here(app: object, config: Config) -> None:
    server = Server(config)
    try:
        server.run()
    except KeyboardInterrupt:
        return  # uvicorn has ended in order by then, and passes on how it was asked to
    except SystemExit:
        if isinstance(app, Service) and app.fault is not None:
            raise app.fault from None
        raise
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _run_workers(config: Config) -> None:
    socket = config.bind_socket()
    with figures_of_all():
        workers = Workers(config, socket)
        workers.run()
    if any(process.exitcode == STARTUP_FAILURE for process in workers.processes):
        sys.exit(STARTUP_FAILURE)  # the log says why
