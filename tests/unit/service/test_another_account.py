"""A bridge that holds another account under the name: nothing there is opened, judged or closed."""

from mt5fleet.domain.account import TradingState
from mt5fleet.domain.lifecycle import OrderState
from mt5fleet.testing.memory_journal import MemoryJournal
from tests.unit.service.rig import Rig
from tests.unit.service.test_bridge_watch import watched
from tests.unit.service.test_guard import breach

S = OrderState


def swap(rig: Rig) -> None:
    """The bridge's file names another login now; its journal is that account's own."""
    rig.book().login = 2
    rig.book().journal = MemoryJournal("another", rig.clock.now())


def forget(rig: Rig) -> None:
    """A ledger that lost its memory would bind whatever journal it is shown first."""
    rig.wipe()
    rig.clock.advance_s(60)


def test_nothing_is_opened_on_another_account(rig: Rig) -> None:
    swap(rig)
    forget(rig)
    rig.guard()

    assert rig.execute().state is S.RECEIVED

    assert rig.sent() == 0
    assert rig.ledger.account_status("alpha").journal_id is None


def test_order_waits_and_goes_once_the_right_account_is_back(rig: Rig) -> None:
    journal = rig.book().journal
    swap(rig)
    assert rig.execute().state is S.RECEIVED

    rig.book().login, rig.book().journal = 1, journal
    rig.clock.advance_s(rig.settings.health_age_s)
    rig.guard()
    rig.drain()

    assert rig.states() == [S.FILLED]


def test_equity_of_another_account_is_no_loss(rig: Rig) -> None:
    swap(rig)
    rig.clock.advance_s(rig.guard_settings.health_every_s)
    for _ in range(15):
        rig.equity("1000")

    assert rig.guard().blind == ("alpha",)
    status = rig.ledger.account_status("alpha")
    assert (status.state, status.memory and status.memory.peak_equity) == (TradingState.ACTIVE, 10_000)


def test_positions_of_another_account_are_not_closed_by_a_halt(rig: Rig) -> None:
    rig.execute()
    breach(rig)
    swap(rig)

    assert "the fleet was told" in rig.drain().reason

    assert rig.sent("close") == 0
    rig.book().login = 1
    rig.drain()
    assert rig.sent("close") == 1


def test_terminal_that_does_not_say_its_login_keeps_no_flatten_from_closing(rig: Rig) -> None:
    rig.execute()
    breach(rig)
    watched(rig, login=None, server=None)

    rig.drain()

    assert rig.sent("close") == 1
