"""What a table holds: the kind and the role of every column, what can be predicted, the contract.

Nothing here needs a project: `fourhats profile` and `contract infer` call the same functions.
"""

from fourhats_runtime.data.table_file import TableFileError
from fourhats_runtime.profile.inference import (
    Column,
    Profile,
    merged,
    profile_relation,
    to_toml,
)
from fourhats_runtime.profile.of_files import profile_file, profiled_rows
from fourhats_runtime.profile.target import TargetError

__all__ = [
    "Column",
    "Profile",
    "TableFileError",
    "TargetError",
    "merged",
    "profile_file",
    "profile_relation",
    "profiled_rows",
    "to_toml",
]
