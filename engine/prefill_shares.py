"""How prompts that are computed at the same time share what a step has left for them."""

MAX_PREFILLS = 4  # long prompts that are under way at once


def prefill_shares(missing: list[int], budget: int) -> list[int]:
    """Tokens that each prompt gets; the whole budget is spent as long as there is use for it.

    Half of it goes to the first in line, which therefore always comes on. The other half goes to
    whoever is done the soonest: that is what lets short prompts pass long ones.

    missing: what each prompt lacks, first in line first; at least one prompt.
    """
    shares = [0] * len(missing)
    by_length = sorted(range(len(missing)), key=missing.__getitem__)
    rounds = [(0, budget - budget // 2), *((place, budget) for place in by_length)]
    for place, limit in rounds:
        share = min(missing[place] - shares[place], limit, budget)
        shares[place] += share
        budget -= share
    return shares


def whole_shares(missing: list[int], budget: int) -> list[int]:
    """The same for prompts that can't be cut: the first in line in any case, others if they fit."""
    shares = missing[:1]
    budget -= sum(shares)
    for length in missing[1:]:
        shares.append(length if length <= budget else 0)
        budget -= shares[-1]
    return shares
