"""New champions are announced: what decides from now on, after which model, and why."""

from fourhats_runtime.lifecycle.registry import Registry
from fourhats_runtime.lifecycle.sharing import push
from fourhats_runtime.monitor import alerts
from fourhats_runtime.project import Project


def announce(project: Project) -> None:
    """Notify people of every new champion that they were not notified of yet.

    Raises:
        ProjectError: the message cannot be sent; the next step that comes by here tries again.

    """
    registry = Registry(project.artifacts / "registry")
    unannounced = [each for each in registry.promotions() if not each["announced"]]
    if unannounced:
        push(project)  # of two that were promoted at once one stands: nobody hears of the other
    for promotion in unannounced:
        after = f" after {promotion['previous']}" if promotion["previous"] else ""
        said = f"{promotion['version']} {promotion['how']}{after}: {promotion['reason']}"
        alerts.notify(project, f"champion:{promotion['version']}", said)
    if unannounced:
        registry.mark_announced()
