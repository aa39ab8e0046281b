"""No secret goes out: every file is searched, and nothing is written if one is found."""

from __future__ import annotations

import base64
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from fourhats_runtime.errors import ProjectError
from fourhats_runtime.handover import hand_over
from fourhats_runtime.handover.accounts import accounts
from fourhats_runtime.handover.scan import Scan

if TYPE_CHECKING:
    from fourhats_runtime import Project

pytestmark = pytest.mark.usefixtures("without_tool")
SECRET = 'Tr0ub4dor&3"x'  # noqa: S105 (made up)
FORMS = {
    "as it is": SECRET,
    "in an address": "https://ann:Tr0ub4dor%263%22x@example.com",
    "in JSON": 'Tr0ub4dor&3\\"x',
    "in Base64": base64.b64encode(SECRET.encode()).decode(),
}


def refused(project: Project, words: str) -> str:
    """Have a hand-over refused; see that nothing is left of it."""
    with pytest.raises(ProjectError, match=words) as raised:
        hand_over(project, project.artifacts / "handover")
    left = {path.name for path in project.artifacts.iterdir()}
    assert not {name for name in left if name.startswith(("handover", "unfinished"))}
    return str(raised.value)


@pytest.mark.parametrize("form", FORMS)
def test_a_value_of_dotenv_is_found_in_each_form(ready: Project, form: str) -> None:
    (ready.folder / ".env").write_text(f"CRM_PASSWORD='{SECRET}'\n", encoding="utf-8")
    (ready.folder / "notes.bin").write_bytes(b"\0\xff" + FORMS[form].encode() + b"\0")
    said = refused(ready, r"^project/notes.bin holds the value of CRM_PASSWORD: nothing was")
    assert SECRET not in said


def test_a_secret_of_the_environment_is_found(
    ready: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAREHOUSE_URL", "postgresql://ann:h%40rdly-known@db/warehouse")
    (ready.folder / "load.sh").write_text("export PGPASSWORD=h@rdly-known\n", encoding="utf-8")
    refused(ready, r"^project/load.sh holds the value of WAREHOUSE_URL")


def test_a_secret_that_was_committed_is_found(ready: Project) -> None:
    (ready.folder / ".env").write_text(f"CRM_PASSWORD='{SECRET}'\n", encoding="utf-8")
    (ready.folder / ".gitignore").write_text("/artifacts/\n", encoding="utf-8")
    who = ("-c", "user.name=Ann", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for words in (["init"], ["add", "--all"], ["commit", "--message", "all"]):
        subprocess.run(["git", *who, *words], cwd=ready.folder, check=True, capture_output=True)
    refused(ready, r"^project/.env holds the value of CRM_PASSWORD")


def test_a_private_key_is_found_whoever_s_it_is(ready: Project) -> None:
    begin, key = "-----BEGIN RSA " + "PRIVATE KEY-----", "MIIEowIBAAKCAQEA" * 3
    (ready.folder / "id").write_text(f"{begin}\n{key}\n", encoding="utf-8")
    refused(ready, r"^project/id holds a private key: nothing was written")
    (ready.folder / "id").unlink()
    (ready.folder / "key.json").write_text(f'{{"k": "{begin}\\n{key}"}}', encoding="utf-8")
    refused(ready, r"^project/key.json holds a private key")
    (ready.folder / "key.json").write_text(f"a PEM file begins by {begin}", encoding="utf-8")
    assert hand_over(ready, ready.artifacts / "handover").files


def test_what_the_example_shows_and_a_setting_are_no_secrets(ready: Project) -> None:
    shown = "postgresql://user:password@localhost/warehouse"
    text = f"WAREHOUSE_URL={shown}\nTRAINING__TRIALS=2\nPIN=1234\n"
    (ready.folder / ".env").write_text(text, encoding="utf-8")
    made = hand_over(ready, ready.artifacts / "handover")
    assert made.unsearched == ("PIN",)
    assert "TRAINING__TRIALS" not in accounts(ready)
    assert "WAREHOUSE_URL" not in Scan.of(ready).wanted


def test_the_example_is_the_way_out_for_what_is_no_secret_and_for_nothing_else(
    ready: Project,
) -> None:
    example, given = ready.folder / ".env.example", ready.folder / ".env"
    given.write_text("KAFKA_SECURITY_PROTOCOL=SASL_SSL\n", encoding="utf-8")
    (ready.folder / "notes.txt").write_text("SASL_SSL", encoding="utf-8")
    refused(ready, r"PROTOCOL: nothing was written; take it out, or, .* put it into .env.example$")
    example.write_text("# PLAINTEXT or SASL_SSL\n", encoding="utf-8")
    assert hand_over(ready, ready.artifacts / "other").files
    (ready.folder / "notes.txt").unlink()
    for name in ("CRM_PASSWORD", "HOOK_URL"):
        given.write_text(f"{name}=https://hooks.example.org/T0/B0/x7\n", encoding="utf-8")
        shutil.copy(given, example)  # as it happens
        again = ready.at(ready.folder)
        refused(again, f"^project/.env.example holds the value of {name}: .*; take it out$")
