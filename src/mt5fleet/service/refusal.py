"""A signal refused by the fleet: reason for producers, field and rule for whoever has to mend it."""

from mt5fleet.domain.denial import DenialReason
from mt5fleet.domain.errors import FleetError, InvalidValue

EXPIRED = "expired"  # its valid_until had passed when it came in
CONFLICT = "conflict"  # the same id is recorded with another body
UNREADABLE = "unreadable"  # intake itself failed on it; the text names the error's type


class Refusal(FleetError):
    """The signal becomes no order; `reason` is a DenialReason or one of this module's."""

    def __init__(self, reason: str, field: str, rule: str, *, producer: str = "") -> None:
        """Keep them apart, so that a dead letter can show them; `producer` as the message claims it."""
        super().__init__(f"{reason}: {field}: {rule}")
        self.reason = reason
        self.field = field
        self.rule = rule
        self.producer = producer

    def of(self, producer: str) -> "Refusal":
        """The same refusal with the producer that the message names."""
        return Refusal(self.reason, self.field, self.rule, producer=producer)


def refused(reason: DenialReason, error: InvalidValue) -> Refusal:
    """The refusal that an invalid value stands for."""
    return Refusal(reason, error.field, error.rule)
