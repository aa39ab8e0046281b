"""What two sides agree on, measured and written down: acceptance, status, and how it ended."""

from fourhats_runtime.engagement.acceptance import Acceptance, accept
from fourhats_runtime.engagement.reports import write_exit_report, write_status

__all__ = ["Acceptance", "accept", "write_exit_report", "write_status"]
