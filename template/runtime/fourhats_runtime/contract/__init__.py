"""The contract: what every column of the data is, as config/contract.toml says it."""

from fourhats_runtime.contract.columns import MISSING, Column, Contract, Join, Questions, load

__all__ = ["MISSING", "Column", "Contract", "Join", "Questions", "load"]
