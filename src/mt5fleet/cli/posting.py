"""Posting many signals in batches, with progress and a summary."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from mt5fleet.cli.exits import ExitCode
from mt5fleet.cli.output import complain
from mt5fleet.cli.signal_lines import BadLine
from mt5fleet.client import Durability, OutcomeUnknown, Submitter
from mt5fleet.client.submit import Submitted
from mt5fleet.domain.errors import LedgerFull
from mt5fleet.messages import SignedSignal
from mt5fleet.ports.ledger import PostResult

BATCH = 100  # signals of a file in one round trip
PROBLEMS_SHOWN_MAX = 20  # lines on the screen; the count has all


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a file."""

    posted: int
    exists: int
    conflicts: int
    bad_lines: int
    stopped: str | None  # why the rest of the file was not posted
    exit_code: ExitCode
    durability: Durability | None

    @property
    def is_clean(self) -> bool:
        """Whether every line is recorded."""
        return self.exit_code is ExitCode.OK

    @property
    def sentence(self) -> str:
        """The counts for people."""
        counts = (
            f"signals: posted={self.posted} exists={self.exists} conflicts={self.conflicts} "
            f"refused_lines={self.bad_lines}"
        )
        safe = "" if self.durability in (None, Durability.RECORDED) else f" durability={self.durability}"
        return counts + safe + ("" if self.stopped is None else "; stopped: the rest was not posted")

    def as_json(self) -> dict[str, object]:
        """The counts for programs."""
        return {
            "posted": self.posted,
            "exists": self.exists,
            "conflicts": self.conflicts,
            "refused_lines": self.bad_lines,
            "stopped": self.stopped,
            "durability": self.durability,
        }


class _Tally:
    """Counts while a file is posted."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.durability: Durability | None = None
        self.stopped: OutcomeUnknown | LedgerFull | None = None

    def take(self, results: tuple[Submitted, ...]) -> None:
        """Count one batch."""
        for one in results:
            self.counts[one.result] += 1
            if one.result is PostResult.CONFLICT:
                complain(f"signal {one.signal_id}: another content is recorded under this id and stands")
        self.durability = results[-1].durability

    def bad_line(self, line: BadLine) -> None:
        """Count a line that is no signal, and tell the first ones."""
        self.counts["bad"] += 1
        if self.counts["bad"] <= PROBLEMS_SHOWN_MAX:
            complain(f"line {line.number}: {line.problem}")

    def summary(self) -> Summary:
        """What became of the file."""
        return Summary(
            posted=self.counts[PostResult.POSTED],
            exists=self.counts[PostResult.EXISTS],
            conflicts=self.counts[PostResult.CONFLICT],
            bad_lines=self.counts["bad"],
            stopped=None if self.stopped is None else str(self.stopped),
            exit_code=self._code(),
            durability=self.durability,
        )

    def _code(self) -> ExitCode:
        if isinstance(self.stopped, OutcomeUnknown):
            return ExitCode.UNKNOWN
        is_clean = not (self.stopped or self.counts["bad"] or self.counts[PostResult.CONFLICT])
        return ExitCode.OK if is_clean else ExitCode.REFUSED


def post_all(
    submitter: Submitter, lines: Iterable[SignedSignal | BadLine], *, durable: bool, batch: int = BATCH
) -> Summary:
    """Post every good line in order; a silent or full ledger ends it. Problems go to standard error."""
    tally = _Tally()
    with _progress() as progress:
        task = progress.add_task("signals", total=None)
        try:
            for signals in _batches(_good(lines, tally), batch):
                tally.take(submitter.submit_many(signals, durable=durable))
                progress.advance(task, len(signals))
        except (OutcomeUnknown, LedgerFull) as error:
            tally.stopped = error
            complain(f"{error}. Running the same command again is safe.")
    return tally.summary()


def _good(lines: Iterable[SignedSignal | BadLine], tally: _Tally) -> Iterator[SignedSignal]:
    for line in lines:
        if isinstance(line, SignedSignal):
            yield line
        else:
            tally.bad_line(line)


def _batches(signals: Iterator[SignedSignal], size: int) -> Iterator[tuple[SignedSignal, ...]]:
    while batch := tuple(islice(signals, size)):
        yield batch


def _progress() -> Progress:
    """A count on standard error while somebody watches it; nothing when it is a file."""
    watched = Console(stderr=True)
    return Progress(
        TextColumn("{task.completed} signals recorded"),
        TimeElapsedColumn(),
        console=watched,
        transient=True,
        disable=not watched.is_terminal,
    )
