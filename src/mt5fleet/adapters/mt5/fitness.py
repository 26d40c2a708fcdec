"""What a terminal says of itself, and each switch or fault that prevents trading, in sentences."""

from collections.abc import Callable

from mt5fleet import __version__
from mt5fleet.adapters.mt5.conversions import mode_of
from mt5fleet.adapters.mt5.lastlook import (
    account_switches_off,
    margin_mode_wrong,
    mode_wrong,
    terminal_switches_off,
)
from mt5fleet.adapters.mt5.session import Session
from mt5fleet.adapters.mt5.shapes import AccountRow, TerminalRow
from mt5fleet.domain.broker import Health
from mt5fleet.domain.errors import GatewayError

BUILDS_KEPT = 2  # the present one and the one before


def health_of(session: Session) -> Health:
    """The terminal's state; a terminal that is away is a health that says so, with what is known.

    What stands for the account (latch, floor, ledger contact) is added by whoever holds it.
    """
    faults = tuple(dict.fromkeys((*_fault(session.account), *_fault(session.terminal))))
    account, terminal = session.module.account_info(), session.module.terminal_info()
    off = _switches_off(account, terminal)
    journal = session.journal
    return Health(
        connected=not faults,
        trade_allowed=not faults and not off,
        why_not=(*faults, *off, *_misfits(session, account)),
        login=None if account is None else account.login,
        server=None if account is None else account.server,
        company=None if terminal is None else terminal.company,
        mode=None if account is None else mode_of(account.trade_mode),
        build=None if terminal is None else terminal.build,
        server_offset_s=session.offset.offset_s,
        journal_id=journal.id,
        journal_sequence=journal.sequence,
        newest_token=journal.newest_token(),
        latch=journal.latch(),
        bridge_at=session.clock.now(),
        version=__version__,
        build_before=_build_before(journal.builds()),
        offset_before_s=session.offset.before_s,
        shadow=session.settings.shadow,
    )


def _fault(question: Callable[[], object]) -> tuple[str, ...]:
    try:
        question()
    except GatewayError as error:
        return (str(error),)
    return ()


def _switches_off(account: AccountRow | None, terminal: TerminalRow | None) -> tuple[str, ...]:
    terminal_off = () if terminal is None else terminal_switches_off(terminal)
    return (*terminal_off, *(() if account is None else account_switches_off(account)))


def _misfits(session: Session, account: AccountRow | None) -> tuple[str, ...]:
    """What lets closes go and refuses opens, whatever the switches say."""
    found = (
        None if account is None else mode_wrong(session.settings, account),
        None if account is None else margin_mode_wrong(account),
        session.offset.contradiction,
    )
    return tuple(sentence for sentence in found if sentence is not None)


def _build_before(builds: tuple[int, ...]) -> int | None:
    return builds[-BUILDS_KEPT] if len(builds) >= BUILDS_KEPT else None
