"""On a GPU every architecture gives transformers' own logits, too."""

import pytest
import torch

from tests.models.test_architectures import ARCHITECTURES, check_paged_logits

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
]


@pytest.mark.parametrize("model_type", ARCHITECTURES)
def test_paged_logits_equal_those_of_transformers(model_type: str, cuda: torch.device) -> None:
    check_paged_logits(model_type, cuda)
