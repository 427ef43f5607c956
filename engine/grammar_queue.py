"""Constrained sequences on their way to the engine: their grammars compile beside its steps."""

from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import Pipe
from pathlib import Path
from typing import NamedTuple

from antiphon.engine.errors import EngineError, InvalidGrammar
from antiphon.engine.grammar import GrammarCompiler, SequenceGrammar
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.engine.messages import AddSequence
from antiphon.models.errors import ModelError
from antiphon.models.tokenizer import Tokenizer

# One that takes seconds should not hold up all others.
NUM_THREADS = 2


class CompiledSequence(NamedTuple):
    """A sequence that can be added now, or the reason why it can't."""

    message: AddSequence
    grammar: SequenceGrammar | EngineError


class GrammarQueue:
    """Owned by one thread, which is woken through `reader` when `take_compiled` has something."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUM_THREADS, thread_name_prefix="grammar-compiler")
        self._compiler: Future[GrammarCompiler] | None = None
        self._pending: dict[int, tuple[AddSequence, Future[SequenceGrammar]]] = {}
        self.reader, self._writer = Pipe(duplex=False)

    def __len__(self) -> int:
        return len(self._pending)

    def load_vocabulary(self, folder: Path) -> None:
        """Begin to read the model's tokenizer, which takes up to a second."""
        self._compiler = self._pool.submit(_load_compiler, folder)

    def add(self, message: AddSequence) -> None:
        future = self._pool.submit(self._compile, message)
        self._pending[message.sequence_id] = (message, future)
        future.add_done_callback(self._wake)

    def drop(self, sequence_id: int) -> None:
        """Forget a sequence; one that is not here is left alone."""
        message_and_future = self._pending.pop(sequence_id, None)
        if message_and_future is not None:
            message_and_future[1].cancel()

    def take_compiled(self) -> list[CompiledSequence]:
        """In the order of their arrival."""
        while self.reader.poll():
            self.reader.recv_bytes()
        done = [id_ for id_, (_, future) in self._pending.items() if future.done()]
        return [_outcome(*self._pending.pop(sequence_id)) for sequence_id in done]

    def close(self) -> None:
        """Begin nothing more: an ending process waits for what its threads have begun."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _compile(self, message: AddSequence) -> SequenceGrammar:
        assert self._compiler is not None, "the vocabulary is loaded before the engine is ready"
        assert message.params.grammar is not None, "others need not wait here"
        compiler = self._compiler.result()
        return compiler.compile(message.params.grammar, message.params.stop_token_ids)

    def _wake(self, _: "Future[SequenceGrammar]") -> None:
        self._writer.send_bytes(b"compiled")


def _load_compiler(folder: Path) -> GrammarCompiler:
    try:
        return GrammarCompiler(GrammarVocabulary.of(Tokenizer.from_folder(folder)))
    except ModelError as error:
        raise InvalidGrammar(
            f"Without its tokenizer the model takes no grammar: {error}"
        ) from error


def _outcome(message: AddSequence, future: "Future[SequenceGrammar]") -> CompiledSequence:
    error = future.exception()
    if error is None:
        return CompiledSequence(message, future.result())
    if not isinstance(error, EngineError):  # llguidance panics in a way of its own
        error = InvalidGrammar(f"The grammar could not be compiled: {error}")
    return CompiledSequence(message, error)
