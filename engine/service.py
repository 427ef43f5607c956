"""What the engine process does once its model is loaded: messages in, steps, their outputs out."""

from dataclasses import replace
from multiprocessing.connection import Connection, wait
from typing import Never

from antiphon.engine.errors import EngineError
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

    def serve(self) -> Never:
        """Raises EOFError, or what else its connection raises, when the other end is gone."""
        try:
            while True:
                self._serve_step()
        finally:
            self._grammars.close()

    def _serve_step(self) -> None:
        """Take the messages that are there, or wait if there is nothing to do; run a step."""
        wait([self._connection, self._grammars.reader], 0 if self._engine.has_unfinished else None)
        while self._connection.poll(0):
            self._take(decode_to_engine(self._connection.recv_bytes()))
        failures = self._admit_compiled()
        if self._engine.has_unfinished:
            output = self._engine.step()
        else:
            # The last sequences were aborted: nobody gets a delta, but the books have changed.
            output = StepOutput([], [], self._engine.stats())
        self._connection.send_bytes(encode(Stepped(self._with_queue(output, failures))))

    def _take(self, message: ToEngine) -> None:
        match message:
            case AddSequence(sequence_id, prompt_token_ids, params):
                if params.grammar is None:
                    self._engine.add(sequence_id, prompt_token_ids, params)
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
                self._engine.add(
                    message.sequence_id, message.prompt_token_ids, message.params, grammar
                )
        return failures

    def _with_queue(self, output: StepOutput, failures: list[SequenceFailure]) -> StepOutput:
        """A sequence whose grammar is still being compiled waits like any other."""
        num_waiting = output.stats.num_waiting + len(self._grammars)
        return StepOutput(
            output.deltas,
            failures + output.failures,
            replace(output.stats, num_waiting=num_waiting),
        )
