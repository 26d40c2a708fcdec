from datetime import timedelta

from mt5fleet.adapters.mt5.contact import LedgerContact
from mt5fleet.testing.clock import ManualClock


def test_a_ledger_that_was_never_heard_of_has_no_age() -> None:
    contact = LedgerContact(ManualClock())
    contact.see(None)
    assert contact.age_s() is None


def test_the_age_counts_from_the_newest_word() -> None:
    clock = ManualClock()
    contact = LedgerContact(clock)
    contact.see(clock.now())
    clock.advance_s(7)
    assert contact.age_s() == 7
    contact.see(clock.now())
    assert contact.age_s() == 0


def test_what_was_told_before_is_no_news() -> None:
    clock = ManualClock()
    contact, told = LedgerContact(clock), clock.now()
    contact.see(told)
    clock.advance_s(7)
    contact.see(told)
    contact.see(None)
    assert contact.age_s() == 7


def test_a_ledger_whose_clock_went_back_is_still_there() -> None:
    clock = ManualClock()
    contact, told = LedgerContact(clock), clock.now()
    contact.see(told)
    clock.advance_s(7)
    contact.see(told - timedelta(minutes=5))
    assert contact.age_s() == 0
