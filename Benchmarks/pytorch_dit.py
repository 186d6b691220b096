"""PyTorch's side of the comparison: DiT-S/2 on latents of 32x32x4 in diffusers, random weights, f32 or bf16 by
autocast.

    python Benchmarks/pytorch_dit.py train|sample [--compile] [--precision f32|bf16] [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds an image, and the process's peak resident memory.
"""
import torch
from diffusers import DiTTransformer2DModel

from timing import denoising, parse, report

CONFIG = dict(
    num_attention_heads=6, attention_head_dim=64, in_channels=4, out_channels=8, num_layers=12, sample_size=32, patch_size=2,
    num_embeds_ada_norm=1000, norm_type="ada_norm_zero", activation_fn="gelu-approximate", attention_bias=True,
    norm_elementwise_affine=False, norm_eps=1e-6)


def main():
    options = parse(["train", "sample"])
    model = DiTTransformer2DModel(**CONFIG)
    x = torch.randn(options.batch_size, 4, 32, 32)
    target = torch.randn(options.batch_size, 8, 32, 32)
    timesteps = torch.arange(options.batch_size) * 50 % 1000
    labels = torch.arange(options.batch_size) % 8
    report(denoising(options, model, lambda network: network(x, timesteps, labels), target), options)


if __name__ == "__main__":
    main()
