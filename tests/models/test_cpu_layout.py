import torch
from torch import nn

from antiphon.models.cpu_layout import lay_out_for_decoding


def test_wide_matrices_change_their_layout_and_nothing_else() -> None:
    layers = [nn.Linear(4, 9), nn.Linear(9, 4), nn.Linear(4, 4)]
    model = nn.Sequential(*layers)
    inputs = torch.randn(3, 4)
    weights = [layer.weight.clone() for layer in layers]
    before = model(inputs)
    lay_out_for_decoding(model)
    assert [layer.weight.is_contiguous() for layer in layers] == [False, True, True]
    assert all(torch.equal(layer.weight, old) for layer, old in zip(layers, weights, strict=True))
    torch.testing.assert_close(model(inputs), before)


def test_tied_weights_stay_tied() -> None:
    embedding, head = nn.Embedding(9, 4), nn.Linear(4, 9, bias=False)
    head.weight = embedding.weight
    lay_out_for_decoding(nn.ModuleList([embedding, head]))
    assert head.weight is embedding.weight
    assert embedding(torch.tensor([8])).shape == (1, 4)


def test_other_types_are_left_alone() -> None:
    layer = nn.Linear(4, 9, dtype=torch.bfloat16)
    lay_out_for_decoding(nn.Sequential(layer))
    assert layer.weight.is_contiguous()
