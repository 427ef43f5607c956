"""What the engine process does once its model is loaded: messages in, steps, their outputs out."""

from dataclasses import replace
from multiprocessing.connection import Connection
from selectors import EVENT_READ, DefaultSelector
from typing import Never

from antiphon.engine.errors import EngineError
from antiphon.engine.grammar import SequenceGrammar
from antiphon.engine.grammar_queue import GrammarQueue
from antiphon.engine.llm_engine import LLMEngine
from antiphon.engine.messages import (
    AbortSequence,
    AddSequence,
    Start,
    Stepped,
    ToEngine,
    decode_to_engine,
    encode,
)
from antiphon.engine.outputs import SequenceFailure, StepOutput


class EngineService:
    """Steps the engine while it has work, and sleeps while it has none."""

    def __init__(self, connection: Connection, engine: LLMEngine, grammars: GrammarQueue) -> None:
        self._connection = connection
        self._engine = engine
        self._grammars = grammars
        # `multiprocessing.connection.wait` would make one for every step.
        self._selector = DefaultSelector()
        self._selector.register(connection, EVENT_READ)
        self._selector.register(grammars.reader, EVENT_READ)

    def serve(self) -> Never:
        """Raises EOFError, or what else its connection raises, when the other end is gone."""
        try:
            while True:
                self._serve_step()
        finally:
            self._selector.close()
            self._grammars.close()

    def _serve_step(self) -> None:
        """Take the messages that are there, or wait if there is nothing to do; run a step."""
        has_message = self._wait(0 if self._engine.has_unfinished else None)
        while has_message:
            self._take(decode_to_engine(self._connection.recv_bytes()))
            has_message = self._wait(0)
        failures = self._admit_compiled()
        if self._engine.has_unfinished:
            output = self._engine.step()
        else:
            # The last sequences were aborted: nobody gets a delta, but the books have changed.
            output = StepOutput([], [], self._engine.stats())
        self._connection.send_bytes(encode(Stepped(self._with_queue(output, failures))))

    def _wait(self, timeout_seconds: float | None) -> bool:
        """Until there is a message or a compiled grammar. Returns whether a message is there."""
        ready = self._selector.select(timeout_seconds)
        return any(key.fileobj is self._connection for key, _ in ready)

    def _take(self, message: ToEngine) -> None:
        match message:
            case AddSequence():
                if message.params.grammar is None:
                    self._add(message, None)
                else:
                    self._grammars.add(message)
            case AbortSequence(sequence_id):
                self._grammars.drop(sequence_id)
                self._engine.abort(sequence_id)
            case Start():
                raise AssertionError("an engine process starts once")

    def _admit_compiled(self) -> list[SequenceFailure]:
        failures = []
        for message, grammar in self._grammars.take_compiled():
            if isinstance(grammar, EngineError):
                failures.append(SequenceFailure(message.sequence_id, str(grammar)))
            else:
                self._add(message, grammar)
        return failures

    def _add(self, message: AddSequence, grammar: SequenceGrammar | None) -> None:
        self._engine.add(
            message.sequence_id,
            message.prompt_token_ids,
            message.params,
            grammar,
            priority=message.priority,
            cache_salt=message.cache_salt,
        )

    def _with_queue(self, output: StepOutput, failures: list[SequenceFailure]) -> StepOutput:
        """A sequence whose grammar is still being compiled waits like any other."""
        num_waiting = output.stats.num_waiting + len(self._grammars)
        return StepOutput(
            output.deltas,
            failures + output.failures,
            replace(output.stats, num_waiting=num_waiting),
        )
