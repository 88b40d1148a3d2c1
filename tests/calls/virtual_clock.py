"""The virtual clock of the call tests; it is part of the stand-ins, since `run_conversations` uses it too."""

from voice.standin.virtual_clock import NothingCanHappenError, VirtualClockLoop, run

__all__ = ["NothingCanHappenError", "VirtualClockLoop", "run"]
