"""The process that checks grammars: `python -m antiphon.engine.grammar_process FOLDER`.

A grammar a line on stdin, as a JSON string; on stdout a line with what is wrong with it, or an
empty string. The first line, before any grammar, says that the tokenizer is loaded. Ends with its
stdin, or at a limit.
"""

import json
import math
import resource
import sys
import time
from pathlib import Path

import psutil

from antiphon.engine.errors import InvalidGrammar
from antiphon.engine.grammar import GrammarCompiler
from antiphon.engine.grammar_vocabulary import GrammarVocabulary
from antiphon.models.tokenizer import Tokenizer

MAX_CPU_SECONDS = 2
MAX_BYTES = 512 * 1024**2  # beyond what the tokenizer takes


def main() -> int:
    compiler = GrammarCompiler(GrammarVocabulary.of(Tokenizer.from_folder(Path(sys.argv[1]))))
    _limit(resource.RLIMIT_AS, psutil.Process().memory_info().vms + MAX_BYTES)
    _answer("")
    for line in sys.stdin:
        _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + MAX_CPU_SECONDS)
        _answer(_complaint(compiler, json.loads(line)))
    return 0


def _complaint(compiler: GrammarCompiler, source: str) -> str:
    try:
        compiler.compile(source)
    except InvalidGrammar as error:
        return str(error)
    except BaseException as error:  # how llguidance panics
        return f"The grammar could not be compiled: {error}"
    return ""


def _limit(what: int, soft: int) -> None:
    _, hard = resource.getrlimit(what)
    resource.setrlimit(what, (soft, hard))


def _answer(message: str) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
