"""What every Fourhats project runs on: from rows to decisions that are worth money."""

from fourhats_runtime.project import Project

__all__ = ["Project"]
__version__ = "0.1.0"
