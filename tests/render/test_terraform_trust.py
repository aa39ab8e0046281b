"""Who gets into a cloud as its CI: the jobs that are meant, and no one who differs in anything.

What a cloud would say of a token is worked out here, from the rendered files and from what its
documentation says of how it compares; the tokens are as the services' documentation shows them.
"""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest

from tests.render.answer_sets import choices
from tests.render.tree import Tree, grow
from tests.services.availability import unavailable
from tests.services.terraform.hcl import NodeMissingError, hcl_files, node_modules
from tests.services.terraform.review import bodies, declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Claims = dict[str, str]

CLOUDS = [cloud for cloud in choices()["cloud"] if cloud != "none"]
SERVICES = [ci for ci in choices()["ci"] if ci != "none"]
ORGANIZATION, PROJECT, TENANT, CONNECTION = (
    f"{digit * 8}-0000-0000-0000-000000000000" for digit in "1234"
)
ENTRA = "/eid1/c/pub/t/AAA_/a/BBB-/sc"
GOOGLE = "projects/1/locations/global/workloadIdentityPools/ci/providers/ci"
AUDIENCES = {
    "aws": "sts.amazonaws.com",
    "gcp": f"https://iam.googleapis.com/{GOOGLE}",
    "azure": "api://AzureADTokenExchange",
}
VALUES = {
    "environment": "staging",
    "repository": "acme/churn",
    "repository_id": "42",
    "gitlab_host": "gitlab.com",
    "gitlab_project_id": "42",
    "devops_organization": "acme",
    "devops_organization_id": ORGANIZATION,
    "devops_project": "churn models",
    "devops_project_id": PROJECT,
    "devops_pipeline": "release",
    "devops_pipeline_id": "7",
    "devops_issuer": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "devops_subject": f"{ENTRA}/{ORGANIZATION}/{CONNECTION}",
    "github_provider_arn": "",
    "gitlab_provider_arn": "",
    "devops_provider_arn": "",
}


# How AWS compares.
COMPARED: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": operator.eq,
    "StringLike": fnmatchcase,
}


@dataclass(frozen=True)
class Job:
    """What a job is, as far as a token may tell."""

    cloud: str
    audience: str
    environment: str = "staging"
    branch: str = "main"
    number: str = "42"
    name: str = "acme/churn"
    host: str = "gitlab.com"
    kind: str = "branch"
    protected: str = "true"
    path_in_subject: bool = False
    organization: str = ORGANIZATION
    project: str = PROJECT
    project_name: str = "churn models"
    pipeline: str = "7"
    pipeline_name: str = "release"
    tenant: str = TENANT
    connection: str = CONNECTION

    def github(self) -> Claims:
        """Give GitHub's token for an environment."""
        return {
            "iss": "https://token.actions.githubusercontent.com",
            "sub": f"repo:{self.name}:environment:{self.environment}",
            "repository": self.name,
            "repository_id": self.number,
            "environment": self.environment,
            "ref": f"refs/heads/{self.branch}",
        }

    def gitlab(self) -> Claims:
        """Give GitLab's token: its subject as the project asked for it, or as it is at first."""
        ref = f"ref_type:{self.kind}:ref:{self.branch}"
        subject = (
            f"project_path:{self.name}:{ref}"
            if self.path_in_subject
            else f"project_id:{self.number}:{ref}:ref_protected:{self.protected}"
            f":deployment_tier:{self.environment}"
        )
        return {
            "iss": f"https://{self.host}",
            "sub": subject,
            "project_path": self.name,
            "project_id": self.number,
            "ref": self.branch,
            "ref_type": self.kind,
            "ref_protected": self.protected,
            "environment": self.environment,
        }

    def azure_devops(self) -> Claims:
        """Give the token of a service connection for Azure, of a pipeline for the others."""
        if self.cloud == "azure":
            return {
                "iss": f"https://login.microsoftonline.com/{self.tenant}/v2.0",
                "sub": f"{ENTRA}/{self.organization}/{self.connection}",
            }
        return {
            "iss": f"https://vstoken.dev.azure.com/{self.organization}",
            "sub": f"p://acme/{self.project_name}/{self.pipeline_name}",
            "org_id": self.organization,
            "prj_id": self.project,
            "def_id": self.pipeline,
            "rpo_ref": f"refs/heads/{self.branch}",
        }


OTHER = "99999999-0000-0000-0000-000000000000"
# Who differs in one thing, and in which clouds that is seen: where not, the page says so.
STRANGERS: dict[str, list[tuple[dict[str, Any], set[str]]]] = {
    "github": [
        ({"audience": "somebody-else"}, {"aws", "gcp", "azure"}),
        ({"environment": "production"}, {"aws", "gcp", "azure"}),
        ({"name": "evil/churn"}, {"aws", "gcp", "azure"}),
        ({"name": "acme-evil/churn", "number": "43"}, {"aws", "gcp", "azure"}),
        ({"name": "acme/churn-evil", "number": "43"}, {"aws", "gcp", "azure"}),
        ({"number": "43"}, {"aws", "gcp"}),
    ],
    "gitlab": [
        ({"audience": "somebody-else"}, {"aws", "gcp", "azure"}),
        ({"environment": "production"}, {"aws", "gcp", "azure"}),
        ({"number": "43"}, {"aws", "gcp", "azure"}),
        ({"number": "421"}, {"aws", "gcp", "azure"}),
        ({"branch": "main-evil"}, {"aws", "gcp", "azure"}),
        ({"branch": "feature"}, {"aws", "gcp", "azure"}),
        ({"kind": "tag"}, {"aws", "gcp", "azure"}),
        ({"protected": "false"}, {"aws", "gcp", "azure"}),
        ({"host": "gitlab.example.com"}, {"aws", "gcp", "azure"}),
        ({"path_in_subject": True}, {"aws", "azure"}),
    ],
    "azure_devops": [
        ({"audience": "somebody-else"}, {"aws", "gcp", "azure"}),
        ({"organization": OTHER}, {"aws", "gcp", "azure"}),
        ({"project": OTHER}, {"gcp"}),
        ({"project_name": "other"}, {"aws"}),
        ({"pipeline": "77"}, {"gcp"}),
        ({"pipeline_name": "release-evil"}, {"aws"}),
        ({"branch": "feature"}, {"gcp"}),
        ({"tenant": OTHER}, {"azure"}),
        ({"connection": OTHER}, {"azure"}),
    ],
}


@dataclass(frozen=True)
class Trust:
    """A project for a cloud and a CI, and what its files say of who gets in."""

    cloud: str
    ci: str
    tree: Tree
    code: dict[str, dict[str, Any]]

    def one(self, kind: str, of_type: str, name: str) -> dict[str, Any]:
        """Give a resource or data source, with the values put in."""
        (body,) = (b for _, t, n, b in bodies(self.code, kind) if (t, n) == (of_type, name))
        found: dict[str, Any] = filled(body, self.known)
        return found

    @property
    def known(self) -> dict[str, str]:
        """The values of variables and of the locals that are made of them."""
        values = {f"var.{name}": value for name, value in VALUES.items()}
        for given in self.code[f"ci_{self.ci}.tf"].get("locals", []):
            values |= {f"local.{name}": filled(text, values) for name, text in given.items()}
        values["google_iam_workload_identity_pool.ci.name"] = GOOGLE.partition("/providers")[0]
        return values

    def lets_in(self, job: Job) -> bool:
        """Tell whether the cloud takes the job's token for its CI."""
        claims = getattr(job, self.ci)() | {"aud": job.audience}
        return bool(getattr(self, self.cloud)(claims))

    def aws(self, claims: Claims) -> bool:
        """Do as STS: the provider knows issuer and audience, the policy compares the rest."""
        provider = self.one("resource", "aws_iam_openid_connect_provider", "ci")
        (statement,) = self.one("data", "aws_iam_policy_document", "ci_jobs")["statement"]
        assert statement["actions"] == ["sts:AssumeRoleWithWebIdentity"]
        assert statement.keys() == {"actions", "principals", "condition"}
        (principal,) = statement["principals"]
        assert principal["type"] == "Federated"
        issuer = provider["url"].removeprefix("https://")
        held = [claims["iss"] == provider["url"], claims["aud"] in provider["client_id_list"]]
        for condition in statement["condition"]:
            named, _, claim = condition["variable"].rpartition(":")
            assert named == issuer
            compare = COMPARED[condition["test"]]
            held.append(any(compare(claims[claim], value) for value in condition["values"]))
        return all(held)

    def gcp(self, claims: Claims) -> bool:
        """Do as Google's STS: issuer, audience, condition; then the account's own member."""
        provider = self.one("resource", "google_iam_workload_identity_pool_provider", "ci")
        (oidc,) = provider["oidc"]
        held = [
            claims["iss"] == oidc["issuer_uri"],
            claims["aud"] in oidc.get("allowed_audiences", [AUDIENCES["gcp"]]),
        ]
        compared = r"assertion\.(\w+) == '([^']*)'"
        condition = provider["attribute_condition"]
        left = re.sub(compared, "", condition)
        assert not re.search(r"assertion|\|\||!", left), condition
        held += [claims[claim] == value for claim, value in re.findall(compared, condition)]
        member = self.one("resource", "google_service_account_iam_member", "ci_jobs")["member"]
        pool = re.escape(GOOGLE.partition("/providers")[0])
        found = re.fullmatch(
            rf"principalSet://iam\.googleapis\.com/{pool}/(attribute\.\w+)/(.+)", member
        )
        assert found, member
        _, _, claim = provider["attribute_mapping"][found[1]].partition("assertion.")
        return all([*held, claims[claim] == found[2]])

    def azure(self, claims: Claims) -> bool:
        """Do as Entra: it compares three claims, each for what it is."""
        credential = self.one("resource", "azurerm_federated_identity_credential", "ci")
        wanted = {"iss": credential["issuer"], "sub": credential["subject"]}
        return claims["aud"] in credential["audience"] and wanted.items() <= claims.items()


def filled(value: Any, known: dict[str, str]) -> Any:  # noqa: ANN401 - whatever a file says
    """Put values in the place of the expressions that name them."""
    if isinstance(value, dict):
        return {filled(name, known): filled(inner, known) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, known) for inner in value]
    if not isinstance(value, str):
        return value
    value = re.sub(
        r'\$\{replace\(([\w.]+), "([^"]+)", "([^"]+)"\)\}',
        lambda found: known[found[1]].replace(found[2], found[3]),
        value,
    )
    return re.sub(r"\$\{([\w.]+)\}", lambda found: known.get(found[1], found[0]), value)


@pytest.fixture(scope="module", autouse=True)
def reader() -> None:
    """See that there is what reads HCL."""
    try:
        node_modules()
    except NodeMissingError as error:
        unavailable(error)


@pytest.fixture(scope="module")
def trusts(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Trust]:
    """A project for each cloud and CI."""
    made = {}
    for cloud, ci in product(CLOUDS, SERVICES):
        folder = tmp_path_factory.mktemp("trust") / "project"
        tree = grow(folder, source, {"cloud": cloud, "ci": ci})
        files = hcl_files(tree.folder / "deploy" / "terraform" / cloud)
        code = {name: file.parsed for name, file in files.items() if name.endswith(".tf")}
        made[cloud, ci] = Trust(cloud, ci, tree, code)
    return made


@pytest.fixture(params=list(product(CLOUDS, SERVICES)), ids="-".join)
def trust(request: pytest.FixtureRequest, trusts: dict[tuple[str, str], Trust]) -> Trust:
    """One of them."""
    return trusts[request.param]


@pytest.fixture
def ours(trust: Trust) -> Job:
    """The job that is meant, with the audience that its pipeline asks for."""
    return Job(trust.cloud, audience_of(trust.tree))


def audience_of(tree: Tree) -> str:
    """Read in the pipeline for whom its token is."""
    if tree.answers["ci"] == "azure_devops":
        assert "OIDCREQUESTURI" in tree.text(".azure-pipelines/deploy.yml") or (
            tree.answers["cloud"] == "azure"
        )
        return "api://AzureADTokenExchange"  # its tokens know no other
    file = {"github": ".github/workflows/ci.yml", "gitlab": ".gitlab/ci/deploy.yml"}
    found = re.findall(r"(?:&audience=|aud: )([^\s\"]+)", tree.text(file[tree.answers["ci"]]))
    (audience,) = set(found)
    return str(audience).replace("$GCP_WORKLOAD_IDENTITY_PROVIDER", GOOGLE)


def test_the_job_that_is_meant_gets_in(trust: Trust, ours: Job) -> None:
    assert trust.lets_in(ours)


def test_whoever_differs_in_what_the_cloud_sees_does_not(trust: Trust, ours: Job) -> None:
    for change, seen in STRANGERS[trust.ci]:
        assert trust.lets_in(replace(ours, **change)) == (trust.cloud not in seen), change


def test_what_aws_does_not_see_of_azure_devops_is_said_on_the_page(trust: Trust, ours: Job) -> None:
    page = " ".join(trust.tree.text(f"deploy/terraform/{trust.cloud}/README.md").split())
    unseen = trust.lets_in(replace(ours, branch="feature")) and trust.ci == "azure_devops"
    unseen = unseen and trust.cloud != "azure"
    assert ("but neither branch nor environment" in page) == unseen
    if (trust.cloud, trust.ci) == ("gcp", "azure_devops"):
        assert "Its token names no environment" in page


def test_only_a_name_beside_a_number_is_compared_by_a_pattern(trust: Trust) -> None:
    if trust.cloud != "aws":
        return
    (statement,) = trust.one("data", "aws_iam_policy_document", "ci_jobs")["statement"]
    patterns = [one for one in statement["condition"] if one["test"] != "StringEquals"]
    exact = {one["variable"].rpartition(":")[2] for one in statement["condition"]}
    assert "aud" in exact
    assert not patterns or "repository_id" in exact


def test_no_value_of_a_trust_may_be_a_pattern_or_end_a_text(trust: Trust) -> None:
    variables = declared({"ci": trust.code[f"ci_{trust.ci}.tf"]}, "variable")
    assert variables
    for name, body in variables.items():
        if name.endswith("_provider_arn"):
            continue
        (validation,) = body["validation"]
        (pattern,) = re.findall(r'regex\("((?:[^"\\]|\\.)*)", var', validation["condition"])
        assert re.search(pattern, VALUES[name]), name
        for wrong in (
            "*",
            "4*",
            "acme/*",
            "4?2",
            "${x}",
            *(["4' || '1' == '1"] * (trust.cloud == "gcp")),
        ):
            assert not re.search(pattern, wrong), f"{name} takes {wrong}"


@pytest.mark.parametrize("cloud", CLOUDS)
def test_the_rights_are_the_same_whoever_asks(
    cloud: str, trusts: dict[tuple[str, str], Trust]
) -> None:
    texts = {
        trusts[cloud, ci].tree.text(f"deploy/terraform/{cloud}/ci.tf").replace(f"ci_{ci}", "ci_it")
        for ci in SERVICES
    }
    assert len(texts) == 1
