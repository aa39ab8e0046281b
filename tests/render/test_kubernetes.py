"""The manifests are what a cluster takes, allow what is needed alone, and fit the project."""

from __future__ import annotations

import copy
import re
import tomllib
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import kubernetes_validate
import pytest
import yaml

from tests.render import runtime
from tests.render.answer_sets import Answers, choices, named
from tests.render.tree import Tree, grow
from tests.services.availability import unavailable
from tests.services.kubernetes import (
    Object,
    built,
    kubectl,
    not_restricted,
    pod_templates,
    the,
)
from tests.services.newer_debian import NotFetchedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLDEST, NEWEST = "1.27", "1.37"
OVERLAYS = ("staging", "production")
CLUSTER_WIDE = {"Namespace"}
# All that the manifests differ by.
ANSWER_SETS: list[Answers] = [
    {"platform": "kubernetes", "serving": serving, "broker": broker, "orchestrator": orchestrator}
    for serving, broker, orchestrator in product(
        *(choices()[name] for name in ("serving", "broker", "orchestrator"))
    )
    if "stream" in serving or broker == "redis"
]
LAST_SECONDS = 2.0  # of the server, beyond serve.timeout_seconds: see serve/server.py


class Cluster(NamedTuple):
    """A project for a cluster, and the objects of one of its overlays."""

    tree: Tree
    overlay: str
    objects: list[Object]

    @property
    def slug(self) -> str:
        """What the project is called."""
        return str(self.tree.answers["project_slug"])

    @property
    def containers(self) -> Iterator[tuple[Object, Object]]:
        """Each container, and the spec of its pod."""
        for template in pod_templates(self.objects):
            for container in template["spec"]["containers"]:
                yield container, template["spec"]


@pytest.fixture(scope="module", autouse=True)
def builder() -> None:
    """See that there is what builds."""
    try:
        kubectl()
    except NotFetchedError as error:
        unavailable(error)


@pytest.fixture(
    scope="module",
    params=range(len(ANSWER_SETS)),
    ids=["-".join([*a["serving"], a["broker"], a["orchestrator"]]) for a in ANSWER_SETS],
)
def project(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tree:
    answers = ANSWER_SETS[request.param]
    print(named(answers))
    return grow(tmp_path_factory.mktemp("cluster") / "project", source, answers)


@pytest.fixture(scope="module", params=OVERLAYS)
def cluster(request: pytest.FixtureRequest, project: Tree) -> Cluster:
    return cluster_of(project, request.param)


def cluster_of(tree: Tree, overlay: str) -> Cluster:
    folder = tree.folder / "deploy" / "kubernetes" / "overlays" / overlay
    return Cluster(tree, overlay, built(folder))


def test_every_project_for_a_cluster_builds_what_it_takes_and_no_other_has_any(tree: Tree) -> None:
    if tree.answers["platform"] != "kubernetes":
        assert not (tree.folder / "deploy" / "kubernetes").exists()
        return
    for overlay in OVERLAYS:
        accepted(cluster_of(tree, overlay).objects)


def test_a_cluster_takes_every_object(cluster: Cluster) -> None:
    accepted(cluster.objects)


def test_what_is_deployed_is_what_was_chosen(cluster: Cluster) -> None:
    serving, orchestrator = (cluster.tree.answers[name] for name in ("serving", "orchestrator"))
    kinds = [thing["kind"] for thing in cluster.objects]
    deployed = {o["metadata"]["name"] for o in cluster.objects if o["kind"] == "Deployment"}
    assert deployed == {f"{cluster.slug}-{name}" for name in serving if name != "batch"}
    assert kinds.count("CronJob") == (orchestrator == "none")
    assert kinds.count("Role") == kinds.count("RoleBinding") == (orchestrator == "airflow")
    assert kinds.count("HorizontalPodAutoscaler") == kinds.count("Service") == ("api" in serving)
    assert kinds.count("PodDisruptionBudget") == len(deployed)
    assert kinds.count("PersistentVolumeClaim") == 1


def test_every_pod_is_restricted_has_a_limit_and_writes_to_its_volumes_alone(
    cluster: Cluster,
) -> None:
    (namespace,) = (o for o in cluster.objects if o["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for container, pod in cluster.containers:
        assert not_restricted(pod) == []
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["automountServiceAccountToken"] is False
        for amounts in (container["resources"]["requests"], container["resources"]["limits"]):
            assert amounts.keys() == {"cpu", "memory"}


def test_images_have_a_version_and_rights_no_wildcard(cluster: Cluster) -> None:
    for container, _ in cluster.containers:
        assert re.fullmatch(r"registry\.example\.com/[a-z0-9-]+:\d+\.\d+\.\d+", container["image"])
    for role in (o for o in cluster.objects if o["kind"] == "Role"):
        assert "*" not in str(role["rules"])
        assert "secrets" not in str(role["rules"])


def test_every_selector_finds_the_pods_it_is_meant_for(cluster: Cluster) -> None:
    labels = [template["metadata"]["labels"] for template in pod_templates(cluster.objects)]
    selectors = [found for o in cluster.objects if (found := selector_of(o))]
    assert selectors or cluster.tree.answers["serving"] == ["batch"]
    for name, selector in selectors:
        pods = [own for own in labels if selector.items() <= own.items()]
        if selector == {"dag_id": cluster.slug}:  # pods of Airflow, which marks them so
            assert cluster.tree.answers["orchestrator"] == "airflow"
        else:
            assert len(pods) == 1, name
    for thing in cluster.objects:
        if thing["kind"] == "Deployment":
            template = thing["spec"]["template"]
            own = template["metadata"]["labels"]
            assert thing["spec"]["selector"]["matchLabels"] == own
            for spread in template["spec"]["topologySpreadConstraints"]:
                assert spread["labelSelector"]["matchLabels"] == own
        if thing["kind"] == "HorizontalPodAutoscaler":
            target = thing["spec"]["scaleTargetRef"]
            scaled = the(cluster.objects, target["kind"], target["name"])
            assert "replicas" not in scaled["spec"]


def test_what_is_probed_and_reached_is_what_the_application_has(cluster: Cluster) -> None:
    code = {
        "api": ("serve/app.py", r'@service\.get\("{}"'),
        "stream": ("stream/metrics.py", r'"PATH_INFO"\] [!=]= "{}"'),
    }
    for container, _ in cluster.containers:
        name = container["name"]
        assert f" def {container['args'][1]}(" in runtime.code("cli.py")
        if name == "line":
            continue
        (port,) = container["ports"]
        told = container["args"][-1] if name == "api" else config(cluster.tree, "stream.toml")
        assert str(port["containerPort"]) == str(told)
        file, pattern = code[name]
        for kind in ("startup", "readiness", "liveness"):
            probe = container[f"{kind}Probe"]["httpGet"]
            assert probe["port"] == port["name"]
            route = pattern.format(re.escape(probe["path"]))
            assert re.search(route, runtime.code(file)), route
    for thing in cluster.objects:
        if thing["kind"] == "Service":
            assert [p["targetPort"] for p in thing["spec"]["ports"]] == ["http"]
        if thing["kind"] == "Deployment":
            notes = thing["spec"]["template"]["metadata"]["annotations"]
            (container,) = thing["spec"]["template"]["spec"]["containers"]
            assert notes["prometheus.io/port"] == str(container["ports"][0]["containerPort"])


def test_every_mount_claim_and_account_is_declared(cluster: Cluster) -> None:
    for container, pod in cluster.containers:
        volumes = {volume["name"] for volume in pod["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        for volume in pod["volumes"]:
            if claim := volume.get("persistentVolumeClaim"):
                the(cluster.objects, "PersistentVolumeClaim", claim["claimName"])
        the(cluster.objects, "ServiceAccount", pod["serviceAccountName"])


def test_every_variable_is_a_setting_and_every_secret_is_told_of(cluster: Cluster) -> None:
    secret = f"{cluster.slug}-env"
    readme = cluster.tree.text("deploy/kubernetes/README.md")
    assert f"create secret generic {secret} --from-env-file=.env" in readme
    for container, _ in cluster.containers:
        for variable in container.get("env", []):
            assert runtime.reads(variable["name"]), variable["name"]
            if key := variable.get("valueFrom", {}).get("secretKeyRef"):
                assert (key["name"], key["key"]) == (secret, variable["name"])
                assert f"\n{key['key']}=" in cluster.tree.text(".env.example")
        for origin in container.get("envFrom", []):
            assert origin == {"secretRef": {"name": secret}}


def test_a_pod_has_time_to_finish_what_it_began(cluster: Cluster) -> None:
    for container, pod in cluster.containers:
        if container["name"] != "api":
            continue
        serve = tomllib.loads(cluster.tree.text("config/serve.toml"))["serve"]
        image = cluster.tree.text("deploy/Dockerfile")
        (drain,) = re.findall(r"SERVE__DRAIN_SECONDS=(\d+)", image)
        needed = float(drain) + serve["timeout_seconds"] + LAST_SECONDS
        assert pod["terminationGracePeriodSeconds"] > needed


def test_the_network_is_shut_but_for_what_is_needed(cluster: Cluster) -> None:
    policies = {o["metadata"]["name"]: o["spec"] for o in cluster.objects if is_policy(o)}
    assert policies.pop(f"{cluster.slug}-nothing") == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }
    for spec in policies.values():
        for rule in spec.get("ingress", []):
            assert rule["from"]
            assert all("matchLabels" in str(peer) for peer in rule["from"])
        for rule in [*spec.get("ingress", []), *spec.get("egress", [])]:
            assert rule["ports"]


def test_each_overlay_keeps_to_its_own_namespace(cluster: Cluster) -> None:
    namespace = f"{cluster.slug}-{cluster.overlay}"
    for thing in cluster.objects:
        if thing["kind"] in CLUSTER_WIDE:
            assert thing["metadata"]["name"] == namespace
        else:
            assert thing["metadata"]["namespace"] == namespace
    for binding in (o for o in cluster.objects if o["kind"] == "RoleBinding"):
        (subject,) = binding["subjects"]
        assert (subject["name"], subject["namespace"]) == ("airflow-scheduler", "airflow")


def test_airflows_pods_find_their_place_in_production(project: Tree) -> None:
    if project.answers["orchestrator"] != "airflow":
        assert not (project.folder / "config" / "airflow.toml").exists()
        return
    runs = tomllib.loads(project.text("config/airflow.toml"))
    cluster = cluster_of(project, "production")
    pods = runs["kubernetes"]
    claim = the(cluster.objects, "PersistentVolumeClaim", pods["volume_claim"])
    assert claim["metadata"]["namespace"] == pods["namespace"]
    assert pods["secret"] == f"{cluster.slug}-env"
    assert re.search(r"-line:\d+\.\d+\.\d+$", pods["image"])


def test_production_is_larger_than_staging(project: Tree) -> None:
    if "api" not in project.answers["serving"]:
        return
    name = f"{project.answers['project_slug']}-api"
    staging, production = (
        the(cluster_of(project, overlay).objects, "HorizontalPodAutoscaler", name)["spec"]
        for overlay in OVERLAYS
    )
    assert staging["minReplicas"] < production["minReplicas"]
    assert staging["maxReplicas"] < production["maxReplicas"]


def test_what_the_readme_shows_is_taken_too(project: Tree) -> None:
    readme = project.text("deploy/kubernetes/README.md")
    shown = [yaml.safe_load(block) for block in re.findall(r"(?s)```yaml\n(.*?)```", readme)]
    assert bool(shown) == ("api" in project.answers["serving"])
    accepted(shown)
    for path in re.findall(r"deploy/kubernetes/[a-z/]+", readme):
        assert (project.folder / path).exists(), path
    for path in re.findall(r"\| `((?:base|overlays)/[a-z/.]+)`", readme):
        assert (project.folder / "deploy" / "kubernetes" / path).exists(), path


@pytest.fixture(scope="module")
def pod(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Object:
    """The spec of the API's pods."""
    folder = tmp_path_factory.mktemp("pod") / "project"
    tree = grow(folder, source, {"platform": "kubernetes"})
    (template,) = pod_templates(cluster_of(tree, "staging").objects)
    return dict(template["spec"])


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("hostNetwork", True),
        ("securityContext.runAsNonRoot", False),
        ("securityContext.runAsUser", 0),
        ("securityContext.seccompProfile.type", "Unconfined"),
        ("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]),
        ("volumes.1", {"name": "scratch", "hostPath": {"path": "/"}}),
        ("containers.0.securityContext.privileged", True),
        ("containers.0.securityContext.allowPrivilegeEscalation", True),
        ("containers.0.securityContext.capabilities", {}),
        ("containers.0.securityContext.capabilities.add", ["SYS_ADMIN"]),
        ("containers.0.securityContext.procMount", "Unmasked"),
        ("containers.0.securityContext.runAsUser", 0),
        ("containers.0.securityContext.seLinuxOptions", {"type": "spc_t"}),
        ("containers.0.securityContext.appArmorProfile", {"type": "Unconfined"}),
        ("containers.0.ports.0.hostPort", 80),
        ("containers.0.readinessProbe.httpGet.host", "example.com"),
    ],
)
def test_a_pod_that_is_not_restricted_is_told(pod: Object, path: str, value: object) -> None:
    assert not_restricted(pod) == []
    changed: Any = copy.deepcopy(pod)
    *way, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = changed
    for part in way:
        place = place[part]
    place[last] = value
    assert len(not_restricted(changed)) == 1


def accepted(objects: list[Object]) -> None:
    """See the oldest and the newest of the Kubernetes that are meant take the objects."""
    for thing in objects:
        for version in (OLDEST, NEWEST):
            kubernetes_validate.validate(thing, version, strict=True)


def selector_of(thing: Object) -> tuple[str, Object] | None:
    """Give an object's name, and the labels of the pods that it is for."""
    spec = thing.get("spec", {})
    selectors = {
        "Service": lambda: spec["selector"],
        "Deployment": lambda: spec["selector"]["matchLabels"],
        "PodDisruptionBudget": lambda: spec["selector"]["matchLabels"],
        "NetworkPolicy": lambda: spec["podSelector"].get("matchLabels"),
    }
    found = selectors.get(thing["kind"], lambda: None)()
    return (f"{thing['kind']} {thing['metadata']['name']}", found) if found else None


def is_policy(thing: Object) -> bool:
    return bool(thing["kind"] == "NetworkPolicy")


def config(tree: Tree, name: str) -> int:
    """Give the port of the worker's figures."""
    return int(tomllib.loads(tree.text(f"config/{name}"))["stream"]["metrics_port"])
