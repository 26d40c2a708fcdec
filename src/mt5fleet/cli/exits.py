"""What the command's exit codes mean."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The whole table; scripts may rely on it."""

    OK = 0  # done
    REFUSED = 1  # not done, and why is said
    USAGE = 2  # the command line does not fit
    UNREACHABLE = 3  # the ledger or the broker gave no answer to a question; nothing was changed
    UNKNOWN = 4  # a write had no answer: whether it happened is not known
