"""PyTorch's side of the comparison: the U-Net of google/ddpm-cifar10-32 in diffusers, random weights, f32.

    python Benchmarks/pytorch_unet.py train|sample [--compile] [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds an image, and the process's peak resident memory.
"""
import argparse
import json
import resource
import statistics
import time

import torch
from diffusers import UNet2DModel

CONFIG = dict(
    sample_size=32, in_channels=3, out_channels=3, block_out_channels=(128, 256, 256, 256), layers_per_block=2,
    down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D"), attention_head_dim=None,
    downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("work", choices=["train", "sample"])
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = UNet2DModel(**CONFIG).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    x = torch.randn(options.batch_size, 3, 32, 32).to(memory_format=torch.channels_last)
    timesteps = torch.arange(options.batch_size) * 50 % 1000
    network = torch.compile(model) if options.compile else model

    def train():
        loss = torch.nn.functional.mse_loss(network(x, timesteps).sample, x)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    @torch.inference_mode()
    def sample():
        network(x, timesteps)

    run = train if options.work == "train" else sample
    if options.work == "sample":
        model.eval()
    seconds = []
    for _ in range(options.repeats + 2):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "seconds_per_image": statistics.median(seconds[2:]) / options.batch_size,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
