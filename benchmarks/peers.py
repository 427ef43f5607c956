"""The servers that antiphon is compared with: how each is started and spoken to.

They live in environments of their own, made by `benchmarks/set_up_peers.sh`: one folder a peer, and
the default model as GGUF files.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from antiphon.server.bench.endpoint import EndpointName


@dataclass(frozen=True, slots=True)
class Peer:
    """One server.

    program      relative to the peers' folder; without a folder, beside this Python.
    arguments    {model}, {home} and {port} are filled in.
    weights      what it computes with: a type of float, or the format of a file.
    environment  beside this process's own.
    ready_path   answers 200 once the model is loaded.
    max_level    the highest concurrency that is worth waiting for.
    """

    name: str
    program: str
    arguments: str
    weights: str
    environment: Mapping[str, str] = field(default_factory=dict)
    endpoint: EndpointName = EndpointName.CHAT
    ready_path: str = "/health"
    max_level: int = 1_000_000

    def command(self, *, home: Path, model: Path, port: int) -> list[str]:
        folder = home if "/" in self.program else Path(sys.executable).parent
        arguments = self.arguments.format(model=model, home=home, port=port).split()
        return [str(folder / self.program), *arguments]


def peer_named(name: str) -> Peer:
    """Raises KeyError for an unknown name."""
    return {peer.name: peer for peer in PEERS}[name]


_LLAMA = "-np 32 -c 65536 --kv-unified --jinja --offline -t 2 --port {port}"
_VLLM_ON_A_CPU = {
    "VLLM_CPU_OMP_THREADS_BIND": "0-1",
    "VLLM_CPU_NUM_OF_RESERVED_CPU": "0",
    "VLLM_CPU_KVCACHE_SPACE": "4",
    "OMP_NUM_THREADS": "2",
}

PEERS = (
    Peer(
        "antiphon",
        "antiphon",
        "serve {model} --port {port} --dtype float32 --speculation off",
        "float32",
        endpoint=EndpointName.RESPONSES,
        ready_path="/ready",
    ),
    Peer(
        "antiphon, guessing",
        "antiphon",
        "serve {model} --port {port} --dtype float32 --speculation ngram",
        "float32",
        endpoint=EndpointName.RESPONSES,
        ready_path="/ready",
    ),
    Peer(
        "antiphon, 8 bits",
        "antiphon",
        "serve {model} --port {port} --quantization int8 --speculation off",
        "int8",
        endpoint=EndpointName.RESPONSES,
        ready_path="/ready",
    ),
    Peer(
        "antiphon, 8 bits, guessing",
        "antiphon",
        "serve {model} --port {port} --quantization int8 --speculation ngram",
        "int8",
        endpoint=EndpointName.RESPONSES,
        ready_path="/ready",
    ),
    Peer(
        "vLLM",
        "vllm/bin/vllm",
        "serve {model} --dtype float32 --max-model-len 4096 --max-num-seqs 64 --port {port}",
        "float32",
        environment=_VLLM_ON_A_CPU,
    ),
    Peer(
        "transformers serve, continuous batching",
        "transformers/bin/transformers",
        "serve {model} --device cpu --dtype float32 --continuous-batching --cb-num-blocks 256"
        " --cb-max-batch-tokens 2048 --port {port}",
        "float32",
    ),
    Peer(
        "transformers serve",
        "transformers/bin/transformers",
        "serve {model} --device cpu --dtype float32 --port {port}",
        "float32",
        max_level=16,
    ),
    Peer("llama.cpp, 4 bits", "llama/llama-server", "-m {home}/model-q4_1.gguf " + _LLAMA, "Q4_1"),
    Peer("llama.cpp, 8 bits", "llama/llama-server", "-m {home}/model-q8_0.gguf " + _LLAMA, "Q8_0"),
)
