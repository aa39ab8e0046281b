"""The modules of the rendered project that the generator uses too.

The rule that infers a contract has one home, the template. It is loaded from there under the
package name `fourhats_project`, when it is first needed: it brings DuckDB with it.
"""

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType

from fourhats.source import source_root

PACKAGE = "fourhats_project"


def inference() -> ModuleType:
    """Load the module that profiles a table and infers its contract."""
    return _module("inference")


def table_file() -> ModuleType:
    """Load the module that opens CSV and Parquet files."""
    return _module("table_file")


def errors() -> ModuleType:
    """Load the module of the one error that is meant for a person."""
    return _module("errors")


def source_module(name: str) -> ModuleType:
    """Load the module that reads a source. Raises ModuleNotFoundError without its driver."""
    return _module(f"sources.{name}")


def _module(name: str) -> ModuleType:
    if PACKAGE not in sys.modules:
        # The package's own __init__ is a template until it is rendered, so an empty one stands in.
        spec = ModuleSpec(PACKAGE, loader=None, is_package=True)
        folder = source_root() / "template" / "src" / "{{ package_name }}"
        spec.submodule_search_locations = [str(folder)]
        sys.modules[PACKAGE] = module_from_spec(spec)
        # So are its settings, which sources name in their signatures.
        settings = ModuleType(f"{PACKAGE}.settings")
        settings.Settings = object  # type: ignore[attr-defined]
        sys.modules[settings.__name__] = settings
    return importlib.import_module(f"{PACKAGE}.{name}")
