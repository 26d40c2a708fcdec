"""Carries out an open: facts, checks, size, write-ahead, send, record."""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal

from mt5fleet.codec import decode, encode
from mt5fleet.domain.broker import Instrument, Quote
from mt5fleet.domain.checks import (
    AccountFacts,
    MarketFacts,
    SizedFacts,
    check_account,
    check_market,
    check_sized,
)
from mt5fleet.domain.denial import Denial, DenialReason
from mt5fleet.domain.ids import order_key
from mt5fleet.domain.order import Command, OpenOrder
from mt5fleet.domain.pricing import expected_entry, spread_points, toward
from mt5fleet.domain.signal import Entry, Open
from mt5fleet.domain.sizing import Plan, SizeFacts, part_volume, plan
from mt5fleet.ports.clock import Clock
from mt5fleet.ports.gateway import Gateway
from mt5fleet.ports.ledger import BeginRefusal, Begun, Inbox
from mt5fleet.service.facts import FactReader
from mt5fleet.service.hold import Blocked, Hold
from mt5fleet.service.permits import permit
from mt5fleet.service.recorder import Recorder
from mt5fleet.service.seals import Verified
from mt5fleet.service.sending import sent
from mt5fleet.service.settings import ExecutionSettings

# Unknown is not a refusal: these pass as soon as the account can be read again.
_WAITS = frozenset({DenialReason.READING_STALE, DenialReason.MEMORY_MISSING})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """Facts that one decision is made on; `instrument` and `quote` are there once the market was checked."""

    account: AccountFacts
    instrument: Instrument
    quote: Quote
    entry: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sized:
    """The order to be sent and what all parts of its signal add up to."""

    order: OpenOrder
    signal_volume: Decimal


class OpenOrders:
    """Opens of accounts that the caller holds."""

    def __init__(
        self,
        *,
        inbox: Inbox,
        gateway: Gateway,
        facts: FactReader,
        recorder: Recorder,
        clock: Clock,
        settings: ExecutionSettings,
    ) -> None:
        self._inbox = inbox
        self._gateway = gateway
        self._facts = facts
        self._recorder = recorder
        self._clock = clock
        self._settings = settings

    def run(self, hold: Hold, command: Command, verified: Verified, opening: Open) -> None:
        """Move one open as far as it goes now; raises Blocked, StaleToken and the ledger's errors."""
        started_s = self._clock.monotonic_s()
        scene = self._scene(hold, opening)
        sized = scene if isinstance(scene, Denial) else self._sized(hold, command, opening, scene)
        refused = sized if isinstance(sized, Denial) else _check(scene, sized, verified)
        if refused is not None:
            self._refuse(hold, command, refused)
        elif isinstance(scene, _Scene) and isinstance(sized, _Sized):
            self._begin(hold, command, scene, sized.order, started_s)

    def _scene(self, hold: Hold, opening: Open) -> _Scene | Denial:
        account = self._facts.account(hold)
        denial = check_account(account)
        if denial is not None:
            return denial
        symbol = hold.account.symbols.get(opening.symbol, opening.symbol)
        market = self._facts.market(hold, symbol)
        account = replace(account, now=hold.time.now())
        return check_market(opening, account, market) or _scene_of(opening, account, market)

    def _sized(self, hold: Hold, command: Command, opening: Open, scene: _Scene) -> _Sized | Denial:
        """A goal fixed at an earlier attempt stands; else all parts agree on one plan first."""
        if command.goal is not None:
            order = decode(OpenOrder, command.goal)
            return _Sized(order=order, signal_volume=order.volume)
        facts = SizeFacts(
            entry=scene.entry,
            stop_loss=opening.stop_loss,
            equity=scene.account.reading.equity,
            base_lots=hold.account.base_lots,
        )
        shares = tuple(target.share for target in opening.take_profits)
        agreed = plan(opening.size, shares, facts, scene.instrument)
        if isinstance(agreed, Denial):
            return agreed
        if len(shares) > 1:
            agreed = decode(Plan, self._inbox.fix_plan(hold.lease, command.signal_id, encode(Plan, agreed)))
        volume = part_volume(agreed, command.part)
        if isinstance(volume, Denial):
            return volume
        order = _order(hold, command, opening, scene, volume)
        return _Sized(order=order, signal_volume=sum(agreed.volumes, Decimal(0)))

    def _refuse(self, hold: Hold, command: Command, denial: Denial) -> None:
        if denial.reason in _WAITS:
            raise Blocked(denial.sentence)
        self._recorder.deny(hold, command, denial)

    def _begin(self, hold: Hold, command: Command, scene: _Scene, order: OpenOrder, started_s: float) -> None:
        checked_s = self._clock.monotonic_s()
        begun = self._inbox.begin(
            hold.lease,
            command.key,
            adds_risk=True,
            goal=encode(OpenOrder, order),
            full=False,
            deadline_ms=self._settings.deadline_ms,
            attempts_max=self._settings.attempts_max,
        )
        if isinstance(begun, BeginRefusal):
            self._recorder.refused(hold, command, begun)
            return
        if begun.goal is not None:
            order = decode(OpenOrder, begun.goal)
        numbers = _numbers(scene, order, begun, command) | {
            "checked_ms": f"{(checked_s - started_s) * 1000:.1f}"
        }
        self._send(hold, command, begun, order, numbers)

    def _send(
        self, hold: Hold, command: Command, begun: Begun, order: OpenOrder, numbers: dict[str, str]
    ) -> None:
        journal_id = self._facts.journal_id(hold)
        sent_s = self._clock.monotonic_s()
        answer = sent(
            lambda: self._gateway.submit(hold.name, order, permit(hold, command, begun, journal_id))
        )
        answered = {"sent_ms": f"{(self._clock.monotonic_s() - sent_s) * 1000:.1f}"}
        self._recorder.write(hold, command, answer.outcome, numbers | answered)
        if answer.stale is not None:
            raise answer.stale


def _scene_of(opening: Open, account: AccountFacts, market: MarketFacts) -> _Scene | Denial:
    if market.instrument is None or market.quote is None:
        return Denial(reason=DenialReason.QUOTE_STALE, numbers={"symbol": opening.symbol})
    return _Scene(
        account=account,
        instrument=market.instrument,
        quote=market.quote,
        entry=expected_entry(opening, market.quote),
    )


def _check(scene: _Scene | Denial, sized: _Sized, verified: Verified) -> Denial | None:
    if isinstance(scene, Denial):
        return scene
    reading = scene.account.reading
    facts = SizedFacts(
        volume=sized.order.volume,
        signal_volume=sized.signal_volume,
        volume_right_max=verified.producer.rights.volume_lots_max,
        held=reading.positions + reading.orders,
    )
    return check_sized(scene.account, scene.instrument, scene.entry, facts)


def _order(hold: Hold, command: Command, opening: Open, scene: _Scene, volume: Decimal) -> OpenOrder:
    """Levels go to the tick towards the entry price: rounding never exceeds the approved risk."""
    key = order_key(hold.account.server, hold.account.login, command.signal_id, command.part)
    tick = scene.instrument.tick_size
    return OpenOrder(
        symbol=scene.instrument.symbol,
        side=opening.side,
        entry=opening.entry,
        volume=volume,
        price=opening.price,
        tolerance=opening.tolerance,
        stop_loss=toward(opening.stop_loss, scene.entry, tick),
        take_profit=toward(opening.take_profits[command.part].price, scene.entry, tick),
        magic=key.magic,
        comment=key.comment,
        created_at=command.created_at,
        expires_at=None if opening.entry is Entry.MARKET else command.valid_until,
    )


def _numbers(scene: _Scene, order: OpenOrder, begun: Begun, command: Command) -> dict[str, str]:
    waited = (begun.begun_at - command.created_at) / timedelta(milliseconds=1)
    return {
        "attempt": str(begun.attempt),
        "bid": str(scene.quote.bid),
        "ask": str(scene.quote.ask),
        "spread_points": f"{spread_points(scene.quote, scene.instrument).normalize():f}",
        "equity": str(scene.account.reading.equity),
        "lots": str(order.volume),
        "waited_ms": f"{waited:.1f}",
    }
