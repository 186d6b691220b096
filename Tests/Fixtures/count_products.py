"""Counts the multiplications of diffusers' networks on their way through, as ForwardCostTests has them (10⁹).

    python Tests/Fixtures/count_products.py    # torch 2.15.0, diffusers 0.42.1

On the meta device, so nothing is computed. PyTorch counts convolutions, linear maps and the products inside attention, two
operations a multiplication.
"""
import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel, UNet2DModel
from torch.utils.flop_counter import FlopCounterMode


def count(make, *inputs, **named):
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        make().eval()(*inputs, **named)
    return counter.get_total_flops() / 2e9


def zeros(*shape, dtype=torch.float32):
    return torch.zeros(*shape, device="meta", dtype=dtype)


def dit(layers, heads, width):
    return count(
        lambda: DiTTransformer2DModel(
            num_layers=layers, num_attention_heads=heads, attention_head_dim=width, in_channels=4, out_channels=8,
            sample_size=32, patch_size=2),
        zeros(1, 4, 32, 32), timestep=zeros(1, dtype=torch.long), class_labels=zeros(1, dtype=torch.long))


cifar = dict(
    sample_size=32, block_out_channels=(128, 256, 256, 256), attention_head_dim=None,
    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"))
print("cifar-32", count(lambda: UNet2DModel(**cifar), zeros(1, 3, 32, 32), zeros(1)))
print("dit-xl-2", dit(28, 16, 72))
print("dit-s-2", dit(12, 6, 64))
print(
    "sd-1.5",
    count(
        lambda: UNet2DConditionModel(sample_size=64, cross_attention_dim=768), zeros(1, 4, 64, 64), zeros(1),
        zeros(1, 77, 768)))
