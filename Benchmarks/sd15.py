"""A guided step of Stable Diffusion 1.5's U-Net, random weights, in PyTorch or OpenVINO (f32 or bf16): two latents of 64x64x4,
with and without the text, and 77 states of 768 each.

    python Benchmarks/sd15.py pytorch|openvino [--precision f32|bf16] [--threads 2] [--repeats 3]

Prints one line of JSON: median seconds a latent (half a guided step), and the process's peak resident memory (conversion
included).
"""
import torch
from diffusers import UNet2DConditionModel

from timing import compiled_by_openvino, parse, report


class Step(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768).eval()

    def forward(self, x, timesteps, text):
        return self.unet(x, timesteps, text).sample


def main():
    options = parse(["pytorch", "openvino"], batch_size=2)
    x, text = torch.randn(options.batch_size, 4, 64, 64), torch.randn(options.batch_size, 77, 768)
    timesteps = torch.full((options.batch_size,), 500)
    step = Step()
    if options.work == "pytorch":
        kind = torch.bfloat16 if options.precision == "bf16" else torch.float32
        step.to(kind, memory_format=torch.channels_last)
        x, text = x.to(kind, memory_format=torch.channels_last), text.to(kind)

        @torch.inference_mode()
        def run():
            step(x, timesteps, text)
    else:
        run = compiled_by_openvino(options, step, x, timesteps, text)
    report(run, options, warm=1)


if __name__ == "__main__":
    main()
