"""PyTorch's side of the comparison: the U-Net of google/ddpm-cifar10-32 in diffusers, random weights, f32 or bf16 by autocast.

    python Benchmarks/pytorch_unet.py train|sample [--compile] [--precision f32|bf16] [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds an image, and the process's peak resident memory.
"""
import torch
from diffusers import UNet2DModel

from timing import denoising, parse, report

CONFIG = dict(
    sample_size=32, in_channels=3, out_channels=3, block_out_channels=(128, 256, 256, 256), layers_per_block=2,
    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), attention_head_dim=None,
    downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6)


def main():
    options = parse(["train", "sample"])
    model = UNet2DModel(**CONFIG).to(memory_format=torch.channels_last)
    x = torch.randn(options.batch_size, 3, 32, 32).to(memory_format=torch.channels_last)
    timesteps = torch.arange(options.batch_size) * 50 % 1000
    report(denoising(options, model, lambda network: network(x, timesteps), target=x), options)


if __name__ == "__main__":
    main()
