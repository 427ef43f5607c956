"""The KV cache's blocks: who holds which, which are free, and which can be found by their contents.

A block is full, partly filled, or free. A full block whose tokens are all computed gets a hash that
chains its tokens to those of every block before it, and stays findable after it was freed, until it
is handed out again (least recently freed first). Several sequences may hold one such block; nobody
writes to it. Blocks with equal contents that were filled at the same time are not merged, so block
tables only ever grow at their end.

Pure Python: knows neither tensors nor the scheduler.
"""

from array import array
from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

from antiphon.engine.sequence import Sequence

NULL_BLOCK = 0


class BlockManager:
    """Hands out blocks 1 .. num_blocks; padding is read from and written to block 0.

    A sequence's `block_table`, `block_hashes` and `num_published_blocks` are changed here and
    nowhere else.
    """

    def __init__(self, num_blocks: int, block_size: int, *, prefix_cache: bool = True) -> None:
        self.num_blocks = num_blocks
        self.block_size = block_size
        self._prefix_cache = prefix_cache
        self._ref_counts = [0] * (num_blocks + 1)
        self._hashes: list[bytes | None] = [None] * (num_blocks + 1)
        self._block_by_hash: dict[bytes, int] = {}
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(range(1, num_blocks + 1))

    @property
    def num_free_blocks(self) -> int:
        return len(self._free)

    def num_missing_blocks(self, sequence: Sequence, num_tokens: int) -> int:
        """Blocks the sequence lacks to hold its first `num_tokens` tokens."""
        return max(0, -(-num_tokens // self.block_size) - len(sequence.block_table))

    def reuse_prefix(self, sequence: Sequence) -> int:
        """Give a sequence without blocks its longest cached prefix; returns that in tokens.

        The last token is never part of it: it has to be computed to get its logits.
        """
        assert not sequence.block_table, "a prefix is looked up once, at admission"
        if not self._prefix_cache:
            return 0
        for index in range((sequence.num_tokens - 1) // self.block_size):
            block = self._block_by_hash.get(self._hash(sequence, index))
            if block is None:
                break
            self._hold(block)
            sequence.block_table.append(block)
        sequence.num_published_blocks = len(sequence.block_table)
        return len(sequence.block_table) * self.block_size

    def allocate(self, sequence: Sequence, num_tokens: int) -> None:
        """Grow the block table to hold `num_tokens` tokens; enough blocks are free."""
        for _ in range(self.num_missing_blocks(sequence, num_tokens)):
            block, _ = self._free.popitem(last=False)
            self._forget(block)
            self._ref_counts[block] = 1
            sequence.block_table.append(block)

    def publish(self, sequence: Sequence) -> None:
        """Make the blocks that the sequence has computed to the end findable for others."""
        if not self._prefix_cache:
            return
        num_full_blocks = sequence.num_computed_tokens // self.block_size
        for index in range(sequence.num_published_blocks, num_full_blocks):
            block, block_hash = sequence.block_table[index], self._hash(sequence, index)
            if block_hash not in self._block_by_hash:
                self._block_by_hash[block_hash] = block
                self._hashes[block] = block_hash
        sequence.num_published_blocks = num_full_blocks

    def trim(self, sequence: Sequence) -> None:
        """Give back the blocks that lie beyond the sequence's tokens."""
        num_blocks = -(-sequence.num_tokens // self.block_size)
        if num_blocks < len(sequence.block_table):
            self._give_back(sequence.block_table[num_blocks:])
            sequence.block_table = sequence.block_table[:num_blocks]

    def free(self, sequence: Sequence) -> None:
        """Give back every block."""
        self._give_back(sequence.block_table)
        sequence.block_table = []
        sequence.num_published_blocks = 0

    def check_integrity(self, sequences: Iterable[Sequence]) -> None:
        """Raise AssertionError with the numbers where books and sequences disagree."""
        held = [0] * (self.num_blocks + 1)
        for sequence in sequences:
            for block in sequence.block_table:
                held[block] += 1
        assert held == self._ref_counts, f"held {held}, counted {self._ref_counts}"
        free = {block for block in range(1, self.num_blocks + 1) if held[block] == 0}
        assert free == set(self._free), f"not held {sorted(free)}, free {sorted(self._free)}"
        assert all(self._hashes[block] == key for key, block in self._block_by_hash.items())

    def _hash(self, sequence: Sequence, index: int) -> bytes:
        """The chained hash of the full block at `index`, made once in the sequence's life.

        The chain begins with the salt. Blocks are asked for in their order.
        """
        hashes = sequence.block_hashes
        if index == len(hashes):
            parent = hashes[-1] if hashes else _digest(sequence.cache_salt.encode())
            tokens = sequence.token_ids[index * self.block_size : (index + 1) * self.block_size]
            hashes.append(_digest(parent + array("q", tokens).tobytes()))
        return hashes[index]

    def _give_back(self, blocks: list[int]) -> None:
        """The end is handed out again before the beginning, which others may share."""
        for block in reversed(blocks):
            self._ref_counts[block] -= 1
            if self._ref_counts[block] == 0:
                self._free[block] = None

    def _hold(self, block: int) -> None:
        if self._ref_counts[block] == 0:
            del self._free[block]
        self._ref_counts[block] += 1

    def _forget(self, block: int) -> None:
        block_hash = self._hashes[block]
        if block_hash is not None:
            del self._block_by_hash[block_hash]
            self._hashes[block] = None


def _digest(content: bytes) -> bytes:
    return blake2b(content, digest_size=16).digest()
