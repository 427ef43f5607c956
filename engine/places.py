"""Where a step samples: behind each sequence's last known token, and behind each of its drafts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from antiphon.engine.rows import Records, Rows
from antiphon.engine.scheduler import ScheduledSequence
from antiphon.engine.sequence import Sequence


@dataclass(frozen=True, slots=True)
class Places:
    """One for each row of logits.

    sequences  [num_places]: one that has drafts stands here as often as it is sampled.
    sampling   [num_places] of `rows.SAMPLING`.
    drafts     by place, the drafts that are taken to be true before it; only where there are any.
    """

    sequences: list[Sequence]
    sampling: Records
    drafts: dict[int, tuple[int, ...]]

    @classmethod
    def of(cls, sampled: list[ScheduledSequence], rows: Rows) -> "Places":
        """Of entries that are sampled, each once and then once more for every draft."""
        sequences: list[Sequence] = []
        drafts: dict[int, tuple[int, ...]] = {}
        for sequence, _, _, draft_token_ids in sampled:
            sequences.append(sequence)
            if not draft_token_ids:
                continue
            for count in range(1, len(draft_token_ids) + 1):
                drafts[len(sequences)] = draft_token_ids[:count]
                sequences.append(sequence)
        at = np.array([sequence.row for sequence in sequences])
        return cls(sequences, rows.sampling[at], drafts)

    def __len__(self) -> int:
        return len(self.sequences)

    def where(self, flag: str) -> list[int]:
        """The places whose record has this flag."""
        places: list[int] = np.flatnonzero(self.sampling[flag]).tolist()
        return places

    def positions(self) -> NDArray[np.int64]:
        """[num_places]: how many tokens stand before the one that is sampled."""
        positions = np.array([len(sequence.token_ids) for sequence in self.sequences])
        for place, draft_token_ids in self.drafts.items():
            positions[place] += len(draft_token_ids)
        return positions
