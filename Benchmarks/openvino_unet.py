"""OpenVINO's side of the comparison: the forward pass of the same U-Net as pytorch_unet.py, f32, converted from PyTorch.

    python Benchmarks/openvino_unet.py sample [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds an image, and the process's peak resident memory (its conversion included).
"""
import torch
from diffusers import UNet2DModel

from pytorch_unet import CONFIG
from timing import compiled_by_openvino, parse, report


class Sample(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unet = UNet2DModel(**CONFIG).eval()

    def forward(self, x, timesteps):
        return self.unet(x, timesteps).sample


def main():
    options = parse(["sample"])
    x = torch.randn(options.batch_size, 3, 32, 32)
    timesteps = torch.arange(options.batch_size) * 50 % 1000
    report(compiled_by_openvino(options, Sample(), x, timesteps), options)


if __name__ == "__main__":
    main()
