"""As `sitecustomize`, the break of one module: all else is imported as it was compiled once."""

import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

MODULE = Path(os.environ["BROKEN_MODULE"])
BROKEN = Path(__file__).with_name("broken.py").read_text(encoding="utf-8")


class BrokenLoader(SourceFileLoader):
    """Executes the broken text as if it stood in the module's own file."""

    def get_code(self, fullname: str) -> CodeType:
        """Compile it anew: what was compiled before is whole."""
        return compile(BROKEN, self.get_filename(fullname), "exec", dont_inherit=True)


class BrokenFinder(MetaPathFinder):
    """Finds the one module, before all other finders."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's
    ) -> ModuleSpec | None:
        """Give the broken module, or leave it to the others."""
        if not fullname.startswith("fourhats_runtime"):
            return None
        *_, leaf = fullname.split(".")
        is_package = MODULE.name == "__init__.py"
        folders = [Path(folder) for folder in path or [str(MODULE.parents[1])]]
        places = [
            folder / leaf / "__init__.py" if is_package else folder / f"{leaf}.py"
            for folder in folders
        ]
        if MODULE not in places:
            return None
        return spec_from_file_location(
            fullname,
            MODULE,
            loader=BrokenLoader(fullname, str(MODULE)),
            submodule_search_locations=[str(MODULE.parent)] if is_package else None,
        )


sys.meta_path.insert(0, BrokenFinder())
