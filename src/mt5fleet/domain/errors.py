"""Errors of the fleet; each type says what is known at the moment it is raised."""


class FleetError(Exception):
    """Base of every error this project raises on purpose."""


class InvalidValue(FleetError):
    """A value broke a rule; the text names the field and the rule, never a secret."""

    def __init__(self, field: str, rule: str) -> None:
        """Keep field and rule apart, so that a dead letter can show both."""
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class InvalidTransition(FleetError):
    """A state was asked to move along a path that the table does not hold."""


class InvariantBroken(FleetError):
    """Something that cannot be is; the account concerned must stop opening."""


class LedgerError(FleetError):
    """Base of what the ledger may answer instead of a value."""


class LedgerUnavailable(LedgerError):
    """The ledger gave no answer: whether the write happened is not known."""


class LedgerFull(LedgerError):
    """The ledger's memory is past its limit: nothing was written; try later."""


class LeaseLost(LedgerError):
    """The lease's token is no longer the newest, or its deadline passed: nothing was written."""


class Conflict(LedgerError):
    """The same id is already recorded with another body; the first one stands."""


class GatewayError(FleetError):
    """Base of a failed question to a terminal: nothing is known about what was asked."""


class ValueRefused(InvalidValue, GatewayError):
    """A bridge or terminal refused a value of the call.

    It proves nothing about an order: it may be raised after a send, as when two versions do not fit.
    """


class Unreachable(GatewayError):
    """The call provably did not reach the terminal: nothing was executed."""


class Unanswered(GatewayError):
    """The call may have reached the terminal and no answer came: the outcome is not known."""


class StaleToken(GatewayError):
    """The bridge has seen a newer fencing token; nothing was sent for this call."""

    def __init__(self, newest: int) -> None:
        """Tell the newest token seen, so that the ledger can be raised above it."""
        super().__init__(f"fencing token: a newer one ({newest}) has been seen by the bridge")
        self.newest = newest


class StaleLatch(GatewayError):
    """A person lifted this latch, or a newer one, before; nothing was latched by this call."""

    def __init__(self, lifted: int) -> None:
        """Tell the newest lifted sequence, so that the halt can be numbered above it."""
        super().__init__(f"latch: {lifted} was lifted before; a new halt needs a higher sequence")
        self.lifted = lifted


class JournalUnwritable(FleetError):
    """The bridge's journal did not take a write: what needs one must not be sent."""


class Latched(FleetError):
    """The journal refused to write an open ahead: the account is latched."""

    def __init__(self, reason: str) -> None:
        """Tell why the account is latched."""
        super().__init__(f"latched: {reason}")
        self.reason = reason
