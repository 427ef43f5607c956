"""Where weights lie in a CPU's memory.

Decoding one token reads every weight once. For float32 matrices with more outputs than inputs (gate
and up projections, the head) torch does that a third faster when they are stored column by column.
A large batch loses a little by it: docs/performance.md has both.
"""

import torch
from torch import nn


def lay_out_for_decoding(model: nn.Module) -> None:
    """Store the wide float32 matrices of `model` column by column. Values and shapes stay."""
    for module in model.modules():
        if type(module) is nn.Linear and module.out_features > module.in_features:
            weight = module.weight
            if weight.device.type == "cpu" and weight.dtype == torch.float32:
                weight.data = weight.data.t().contiguous().t()
