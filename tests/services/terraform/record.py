"""Record what a provider of Terraform knows of the resources that our files use.

    python -m tests.services.terraform.record aws google azurerm

Providers can't be fetched everywhere, but the bindings that were generated from their schemas can,
by npm. What is kept of them, in `<provider>.json`, are each type's arguments (required or not),
blocks (required or not, once or often) and attributes. Record anew after a new type is used, or
after another version is written into `PACKAGES`.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.services.rendered import ROOT
from tests.services.terraform import FACTS, FOLDERS

PACKAGES = {
    "aws": "@cdktf/provider-aws@21.22.1",
    "google": "@cdktf/provider-google@16.12.1",
    "azurerm": "@cdktf/provider-azurerm@14.23.1",
}
USED = re.compile(r'^(resource|data) "(\w+)"', re.MULTILINE)
CLASS = re.compile(
    r"extends cdktf\.Terraform(Resource|DataSource) \{.*?tfResourceType = \"(\w+)\"", re.DOTALL
)
KINDS = {"Resource": "resource", "DataSource": "data"}

Schema = dict[str, Any]


def main() -> None:
    """Record each provider that is named."""
    for provider in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            package = fetched(PACKAGES[provider], Path(folder))
            facts = recorded(provider, used(provider), package)
        text = json.dumps(facts, indent=1, sort_keys=True)
        (FACTS / f"{provider}.json").write_text(f"{text}\n", encoding="utf-8")


def fetched(package: str, folder: Path) -> Path:
    """Unpack an npm package into a folder."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), package]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    return folder / "package"


def used(provider: str) -> set[tuple[str, str]]:
    """Give the types that our files use, as (`resource` or `data`, type)."""
    folder = ROOT / "template" / "deploy" / "terraform" / FOLDERS[provider]
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.tf*")]
    return {found for text in texts for found in USED.findall(text)}


def recorded(provider: str, wanted: set[tuple[str, str]], package: Path) -> Schema:
    """Give what is known of the types, and of the provider's own settings."""
    told = json.loads((package / "package.json").read_text(encoding="utf-8"))["cdktf"]["provider"]
    facts: Schema = {
        "package": PACKAGES[provider],
        "source": told["name"].removeprefix("registry.terraform.io/"),
        "version": told["version"],
        "provider": Bindings.of(package / "lib" / "provider").schema(),
        "resource": {},
        "data": {},
    }
    for path in sorted((package / "lib").glob("*/index.d.ts")):
        found = CLASS.search(path.read_text(encoding="utf-8"))
        if found and (kind := (KINDS[found[1]], found[2])) in wanted:
            facts[kind[0]][kind[1]] = Bindings.of(path.parent).schema()
            wanted = wanted - {kind}
    if wanted:
        raise SystemExit(f"{PACKAGES[provider]} does not know {sorted(wanted)}")
    return facts


@dataclass(frozen=True)
class Bindings:
    """The generated code of one type: what is done, and which types it declares."""

    code: str
    types: str

    @classmethod
    def of(cls, folder: Path) -> Bindings:
        """Read a folder."""
        ends = (".js", ".d.ts")
        code, types = (
            "".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob(f"*{end}")))
            for end in ends
        )
        return cls(code, types)

    def schema(self) -> Schema:
        """Give what may be written, and what may be read besides."""
        interface = re.search(
            r"export interface (\w+Config) extends cdktf\.TerraformMetaArguments"
            r"|export interface (\w+ProviderConfig) \{",
            self.types,
        )
        assert interface
        its_own = re.split(
            r" extends cdktf\.Terraform(?:Resource|DataSource|Provider) \{", self.code
        )[1]
        (written,) = re.findall(r"synthesizeHclAttributes\(\) \{(.*?)// remove", its_own, re.DOTALL)
        scalars = re.findall(r"this\.get\w+Attribute\('(\w+)'\)", its_own)
        nested = re.findall(r'this\._\w+ = new \w+\(this, "(\w+)"', its_own)
        schema = self._block(interface[1] or interface[2], written)
        return {**schema, "attributes": sorted({*scalars, *nested})}

    def _block(self, interface: str, written: str) -> Schema:
        (declared,) = re.findall(
            rf"export interface {interface} (?:extends [\w.]+ )?\{{(.*?)\n\}}",
            self.types,
            re.DOTALL,
        )
        properties = re.findall(
            r"/\*\*((?:(?!\*/).)*?)\*/\s+readonly \w+(\??): ([^\n]*)", declared, re.DOTALL
        )
        schema: Schema = {"required": [], "optional": [], "blocks": {}}
        for words, optional, kind in properties:
            (name,) = re.findall(r"\{@link \S+#(\w+) ", words)
            if f"* {name} block\n" not in words:
                schema["optional" if optional else "required"].append(name)
                continue
            value = re.search(rf"\b{name}: \{{\s+value: (.*),", written)
            assert value, name
            (function,) = re.findall(r"\b(?!cdktf)(\w+)ToHclTerraform\b", value[1])
            (inner,) = re.findall(
                rf"function {function}ToHclTerraform\(.*?\) \{{(.*?)// remove",
                self.code,
                re.DOTALL,
            )
            found = self._block(function[0].upper() + function[1:], inner)
            schema["blocks"][name] = {**found, "needed": not optional, "once": "[]" not in kind}
        return schema


if __name__ == "__main__":
    main()
