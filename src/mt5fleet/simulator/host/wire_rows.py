"""Records as the module shows them: lists of plain values in the vendor's field order.

Here, and nowhere before, Decimal becomes float. Field order: `dropin/MetaTrader5/_fields.py`.
"""

from decimal import Decimal
from typing import Any

from mt5fleet.simulator.accounts.rows import Deal, Order, Position
from mt5fleet.simulator.accounts.valuation import Worth
from mt5fleet.simulator.market import MS_PER_S
from mt5fleet.simulator.prices.quotes import Quote
from mt5fleet.simulator.terms.account import AccountTerms
from mt5fleet.simulator.trading.requests import Answer

COMPANY = "mt5fleet simulator"
TICK_FLAGS_BOTH = 2 + 4  # bid and ask changed


def position_row(position: Position, price: Decimal, profit: Decimal) -> list[Any]:
    """Return `TradePosition`: `price` is the closing price now, `profit` is without swap."""
    return [
        position.ticket,
        *_times(position.time_ms),
        *_times(position.time_update_ms),
        int(position.type),
        position.magic,
        position.identifier,
        int(position.reason),
        float(position.volume),
        float(position.price_open),
        float(position.sl),
        float(position.tp),
        float(price),
        float(position.swap),
        float(profit),
        position.symbol,
        position.comment,
        "",
    ]


def order_row(order: Order, price: Decimal) -> list[Any]:
    """Return `TradeOrder`: `price` is the current price, or the last one in history."""
    return [
        order.ticket,
        *_times(order.time_setup_ms),
        *_times(order.time_done_ms),
        order.expires_s,
        int(order.type),
        int(order.type_time),
        int(order.type_filling),
        int(order.state),
        order.magic,
        order.position_id,
        order.position_by_id,
        int(order.reason),
        float(order.volume_initial),
        float(order.volume_current),
        float(order.price_open),
        float(order.sl),
        float(order.tp),
        float(price),
        float(order.price_stoplimit),
        order.symbol,
        order.comment,
        "",
    ]


def deal_row(deal: Deal) -> list[Any]:
    """Return `TradeDeal`."""
    return [
        deal.ticket,
        deal.order,
        *_times(deal.time_ms),
        int(deal.type),
        int(deal.entry),
        deal.magic,
        deal.position_id,
        int(deal.reason),
        float(deal.volume),
        float(deal.price),
        float(deal.commission),
        float(deal.swap),
        float(deal.profit),
        float(deal.fee),
        deal.symbol,
        deal.comment,
        "",
    ]


def account_row(terms: AccountTerms, worth: Worth) -> list[Any]:
    """Return `AccountInfo`."""
    unused = 0.0
    return [
        terms.login,
        terms.mode.number,
        terms.leverage,
        terms.limit_orders,
        terms.stop_out_mode.number,
        terms.trade_allowed,
        terms.trade_expert,
        terms.margin_mode.number,
        terms.currency_digits,
        terms.fifo_close,
        float(worth.balance),
        float(worth.credit),
        float(worth.profit),
        float(worth.equity),
        float(worth.margin),
        float(worth.margin_free),
        float(worth.margin_level_percent),
        float(terms.margin_call_level),
        float(terms.stop_out_level),
        *(unused,) * 5,  # margin_initial, margin_maintenance, assets, liabilities, commission_blocked
        terms.name,
        terms.server,
        terms.currency,
        COMPANY,
    ]


def terminal_row(terms: AccountTerms, path: str, build: int) -> list[Any]:
    """Return `TerminalInfo`."""
    no = False
    return [
        no,  # community_account
        no,  # community_connection
        terms.connected,
        no,  # dlls_allowed
        terms.autotrading,
        terms.tradeapi_disabled,
        *(no,) * 4,  # email, ftp, notifications, mqid
        build,
        100_000,  # maxbars
        0,  # codepage
        1_000,  # ping_last, microseconds
        0.0,  # community_balance
        0.0,  # retransmission
        COMPANY,
        COMPANY,
        "English",
        path,
        path,
        path,
    ]


def tick_row(quote: Quote) -> list[Any]:
    """Return `Tick`."""
    seconds = quote.time_ms // MS_PER_S
    return [seconds, float(quote.bid), float(quote.ask), 0.0, 0, quote.time_ms, TICK_FLAGS_BOTH, 0.0]


def answer_row(answer: Answer) -> list[Any]:
    """Return `OrderSendResult` without its last field, the request."""
    return [
        int(answer.retcode),
        answer.deal,
        answer.order,
        float(answer.volume),
        float(answer.price),
        float(answer.bid),
        float(answer.ask),
        answer.comment,
        answer.request_id,
        0,  # retcode_external
    ]


def check_row(retcode: int, comment: str, worth: Worth | None) -> list[Any]:
    """Return `OrderCheckResult` without its last field, the request."""
    if worth is None:
        return [retcode, *(0.0,) * 6, comment]
    amounts = (worth.balance, worth.equity, worth.profit, worth.margin, worth.margin_free)
    return [retcode, *map(float, amounts), float(worth.margin_level_percent), comment]


def _times(time_ms: int) -> tuple[int, int]:
    return time_ms // MS_PER_S, time_ms
