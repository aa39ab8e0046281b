"""Manifests as `kubectl` builds them, and what can be said of them without a cluster."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.services.newer_debian import unpacked

OLDEST_KUSTOMIZE = 4  # before it, a base was no resource
POD_TEMPLATES = {
    "Deployment": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}

Object = dict[str, Any]


def built(overlay: Path) -> list[Object]:
    """Give the objects of an overlay, without any word of warning."""
    done = subprocess.run(
        [kubectl(), "kustomize", overlay], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return list(yaml.safe_load_all(done.stdout))


@cache
def kubectl() -> Path:
    """Give a kubectl with kustomize: the machine's, or a newer Debian's.

    Raises NotFetchedError where there is none.
    """
    if own := shutil.which("kubectl"):
        command = [own, "version", "--client", "--output=json"]
        asked = subprocess.run(command, check=False, capture_output=True, text=True)
        if asked.returncode == 0:
            version = json.loads(asked.stdout).get("kustomizeVersion", "v0")
            if int(version.removeprefix("v").split(".")[0]) >= OLDEST_KUSTOMIZE:
                return Path(own)
    return unpacked("kubectl") / "usr" / "bin" / "kubectl"


def the(objects: list[Object], kind: str, name: str) -> Object:
    """Give the one object of this kind and name."""
    (found,) = (o for o in objects if (o["kind"], o["metadata"]["name"]) == (kind, name))
    return found


def pod_template(thing: Object) -> Object | None:
    """Give the template of the pods that an object starts, None where it starts none."""
    template = thing
    for part in POD_TEMPLATES.get(thing["kind"], ()):
        template = template[part]
    return template if template is not thing else None


def pod_templates(objects: list[Object]) -> list[Object]:
    """Give the templates of all pods."""
    return [template for o in objects if (template := pod_template(o)) is not None]


# Of "restricted", the strictest of the Pod Security Standards, in the order of its page:
# https://kubernetes.io/docs/concepts/security/pod-security-standards/
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
SAFE_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SECCOMP = {"RuntimeDefault", "Localhost"}
SELINUX = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def not_restricted(pod: Object) -> list[str]:
    """Say what a pod's spec has that "restricted" forbids, or lacks that it asks for."""
    return [*_pod(pod), *(said for container in _containers(pod) for said in _of(container, pod))]


def _pod(pod: Object) -> Iterator[str]:
    context = pod.get("securityContext", {})
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            yield name
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "a host process"
    for volume in pod.get("volumes", []):
        if kinds := volume.keys() - {"name"} - SAFE_VOLUMES:
            yield f"volume {volume['name']}: {', '.join(kinds)}"
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SAFE_SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _profiles("pod", context)


def _of(container: Object, pod: Object) -> Iterator[str]:
    name, context = container["name"], container.get("securityContext", {})
    whole = pod.get("securityContext", {}) | context
    capabilities = context.get("capabilities", {})
    if context.get("privileged"):
        yield f"{name}: privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: privilege escalation"
    if "ALL" not in capabilities.get("drop", []):
        yield f"{name}: capabilities that are not dropped"
    if added := set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities {', '.join(added)}"
    if context.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    if whole.get("runAsNonRoot") is not True or whole.get("runAsUser") == 0:
        yield f"{name}: root"
    if whole.get("seccompProfile", {}).get("type") not in SECCOMP:
        yield f"{name}: seccomp"
    yield from _reach(container)
    yield from _profiles(name, context)


def _reach(container: Object) -> Iterator[str]:
    name = container["name"]
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield f"{name}: a port of the host"
    handlers = [container.get(f"{kind}Probe", {}) for kind in ("startup", "readiness", "liveness")]
    handlers += container.get("lifecycle", {}).values()
    for handler in handlers:
        if any(handler.get(how, {}).get("host") for how in ("httpGet", "tcpSocket")):
            yield f"{name}: a probe of another host"


def _profiles(name: str, context: Object) -> Iterator[str]:
    if context.get("appArmorProfile", {}).get("type") == "Unconfined":
        yield f"{name}: AppArmor"
    options = context.get("seLinuxOptions", {})
    if options.get("type", "") not in SELINUX or options.get("user") or options.get("role"):
        yield f"{name}: SELinux"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name}: a host process"


def _containers(pod: Object) -> list[Object]:
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in pod.get(kind, [])]
