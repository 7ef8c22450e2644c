"""What schedulers are tested with: a contract as a test class, and problems that make one stumble.

The only part of the simulator that knows pytest, and it imports it when a test runs.
"""

from simulator.testing.contract import CIRCUMSTANCES, SchedulerContract
from simulator.testing.problems import PROBLEMS

__all__ = ["CIRCUMSTANCES", "PROBLEMS", "SchedulerContract"]
