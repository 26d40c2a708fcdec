"""Bases of keys: each is one hash slot, and every script stays below one base."""

FLEET = "fleet"
LOG = "log"


class Keys:
    """Key bases under one prefix; the texts in braces are Redis Cluster's hash tags."""

    def __init__(self, prefix: str) -> None:
        """Take the prefix that separates fleets on one server."""
        self._prefix = prefix
        self.fleet = self.base(FLEET)
        self.log = self.base(LOG)

    def account(self, name: str) -> str:
        """Base of an account: inbox, orders, guard, events, outbox."""
        return self.base(account_tag(name))

    def signal(self, signal_id: str) -> str:
        """Base of one signal: its record."""
        return self.base(f"sig:{signal_id}")

    def base(self, tag: str) -> str:
        """Base of a hash tag; outboxes are named by their tags."""
        return f"{self._prefix}{{{tag}}}"


def account_tag(name: str) -> str:
    """Hash tag of an account; also the name of its outbox."""
    return f"acc:{name}"
