"""Handing a project over: all that its next owner needs, as one folder and one zip."""

from fourhats_runtime.handover.bundle import Handover, hand_over

__all__ = ["Handover", "hand_over"]
