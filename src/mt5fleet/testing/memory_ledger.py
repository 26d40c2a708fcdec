"""The ledger in memory: same contract and same answers as the one on Redis, for tests and simulations."""

from mt5fleet.testing.memory_guard import MemoryGuardBook
from mt5fleet.testing.memory_log import MemorySignalLog
from mt5fleet.testing.memory_orders import MemoryOrders
from mt5fleet.testing.memory_outbox import MemoryOutbox, MemoryRegistry, MemoryStory


class MemoryLedger(MemoryGuardBook, MemoryOrders, MemorySignalLog, MemoryOutbox, MemoryRegistry, MemoryStory):
    """Thread safe with one lock; keeps all until `wipe`; `restart` changes the run id as a server's does."""
