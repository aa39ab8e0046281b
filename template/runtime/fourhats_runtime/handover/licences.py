"""The licence of every package that is installed, and those that a client should know of."""

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions

TO_KNOW = re.compile(r"GPL|MPL|EPL|Affero|Mozilla|Eclipse|General Public", re.IGNORECASE)
"""Who changes or hands on such a package owes something: the source, or more than that."""
UNKNOWN = "unknown"
OSI = "License :: "
LONGEST = 80
"""Characters: some write the whole licence where its name belongs."""


@dataclass(frozen=True, order=True)
class Package:
    """A package, and under which licence it says that it is."""

    name: str
    version: str
    licence: str

    @property
    def to_know(self) -> bool:
        """Whether a client should know of it: copyleft, or no licence that could be read."""
        return self.licence == UNKNOWN or TO_KNOW.search(self.licence) is not None


def packages(own: str) -> list[Package]:
    """List every package of the environment that this runs in, but the project's `own`."""
    found = {_package(each) for each in distributions() if each.metadata["Name"] != own}
    return sorted(found, key=lambda package: (package.name.lower(), package.version))


def _package(found: Distribution) -> Package:
    return Package(found.metadata["Name"], found.version, _licence(found))


def _licence(found: Distribution) -> str:
    """Read the licence: its expression, else its classifiers, else the old field."""
    facts = found.metadata
    if expression := facts.get_all("License-Expression"):
        return str(expression[0])
    classifiers = facts.get_all("Classifier") or []
    if said := [c.rpartition(" :: ")[2] for c in classifiers if c.startswith(OSI)]:
        return "; ".join(said)
    text = (facts.get_all("License") or [""])[0].strip()
    line = text.splitlines()[0].strip() if text else ""
    return line if line and line.upper() != "UNKNOWN" and len(line) <= LONGEST else UNKNOWN
