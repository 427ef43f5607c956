"""One thread that commits what is queued: many writes a transaction, each of them on its own feet.

A disk takes few commits a second, and SQLite one writer at a time: so writes that come together
are committed together.
"""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from antiphon.server.clock import Clock
from antiphon.server.store.database import Database, unavailable
from antiphon.server.store.errors import StoreUnavailable
from antiphon.server.store.transaction import Transaction

MAX_BATCH = 64
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Job:
    write: Callable[[Transaction], Any]
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs writes in the order in which they were submitted."""

    def __init__(self, database: Database, clock: Clock, max_bytes: int) -> None:
        self._database = database
        self._clock = clock
        self._max_bytes = max_bytes
        self._num_bytes = 0
        self._queue: deque[_Job] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store-writer")

    @property
    def num_bytes(self) -> int:
        """Of all that is kept, as of the last commit."""
        return self._num_bytes

    def submit(self, write: Callable[[Transaction], T]) -> Future[T]:
        """Queue a write. Once the future is done, it is committed, or nothing of it happened.

        Raises StoreUnavailable after `close`.
        """
        job = _Job(write)
        self._queue.append(job)
        try:
            self._thread.submit(self._commit_batch)
        except RuntimeError as error:
            job.future.cancel()  # or the last call before the end might find it
            raise StoreUnavailable("it is closed") from error
        return job.future

    def close(self) -> None:
        """Returns when all that was submitted is committed."""
        self._thread.shutdown()

    def _commit_batch(self) -> None:
        """Commit what waits, up to a limit; each write submits one call, which may find nothing."""
        waiting = [self._queue.popleft() for _ in range(min(len(self._queue), MAX_BATCH))]
        jobs = [job for job in waiting if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            settlements = self._commit(jobs)
        except Exception as error:  # whatever it was, it is the callers', and the thread goes on
            settlements = [partial(job.future.set_exception, error) for job in jobs]
        for settle in settlements:
            settle()

    def _commit(self, jobs: list[_Job]) -> list[Callable[[], None]]:
        with self._database.writing() as connection:
            now = self._clock.unix_seconds()
            transaction = Transaction(connection, now, self._max_bytes, self._num_bytes)
            settlements = [_attempt(job, transaction) for job in jobs]
        self._num_bytes = transaction.num_bytes
        return settlements


def _attempt(job: _Job, transaction: Transaction) -> Callable[[], None]:
    """Do one write in a savepoint; what to tell its caller once all of them are committed.

    Raises SQLAlchemyError when the whole transaction is lost.
    """
    num_bytes = transaction.num_bytes
    savepoint = transaction.connection.begin_nested()
    try:
        value = job.write(transaction)
        savepoint.commit()
    except Exception as error:
        # A full disk ends the transaction, and then there is no savepoint to go back to: this
        # raises. After a lost connection it would not, and the next statement would.
        savepoint.rollback()
        if transaction.connection.invalidated:
            raise
        transaction.num_bytes = num_bytes
        is_databases = isinstance(error, SQLAlchemyError)
        return partial(job.future.set_exception, unavailable(error) if is_databases else error)
    return partial(job.future.set_result, value)
