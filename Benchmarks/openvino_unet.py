"""OpenVINO's side of the comparison: the forward pass of the same U-Net as pytorch_unet.py, f32, converted from PyTorch.

    python Benchmarks/openvino_unet.py [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds an image, and the process's peak resident memory (its conversion included).
"""
import argparse
import json
import resource
import statistics
import time

import openvino
import torch
from diffusers import UNet2DModel

from pytorch_unet import CONFIG


class Sample(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unet = UNet2DModel(**CONFIG).eval()

    def forward(self, x, timesteps):
        return self.unet(x, timesteps).sample


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(0)
    x = torch.randn(options.batch_size, 3, 32, 32)
    timesteps = torch.arange(options.batch_size) * 50 % 1000
    with torch.no_grad():
        converted = openvino.convert_model(Sample(), example_input=(x, timesteps))
    converted.reshape({0: list(x.shape), 1: list(timesteps.shape)})
    # f32, as everywhere else in the comparison: OpenVINO would otherwise choose bfloat16 where the processor has it.
    compiled = openvino.Core().compile_model(converted, "CPU", {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": options.threads, "PERFORMANCE_HINT": "LATENCY"})
    request = compiled.create_infer_request()
    seconds = []
    for _ in range(options.repeats + 2):
        start = time.perf_counter()
        request.infer([x.numpy(), timesteps.numpy()])
        seconds.append(time.perf_counter() - start)
    print(json.dumps({
        "seconds_per_image": statistics.median(seconds[2:]) / options.batch_size,
        "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
