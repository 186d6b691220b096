"""The decoder of Stable Diffusion's autoencoder, 512x512, random weights, in PyTorch (f32) or OpenVINO (f32 or bf16).

    python Benchmarks/decoder.py pytorch|openvino [--precision f32|bf16] [--threads 2] [--repeats 1]

Prints one line of JSON: median seconds a picture, and the process's peak resident memory (conversion included).
"""
import torch
from diffusers import AutoencoderKL

from timing import compiled_by_openvino, parse, report

CONFIG = dict(
    block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512,
    down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


class Decoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.vae = AutoencoderKL(**CONFIG).eval()

    def forward(self, z):
        return self.vae.decode(z).sample


def main():
    options = parse(["pytorch", "openvino"], batch_size=1)
    z = torch.randn(1, 4, 64, 64)
    decoder = Decoder()
    if options.work == "pytorch":
        decoder.to(memory_format=torch.channels_last)
        z = z.to(memory_format=torch.channels_last)

        @torch.inference_mode()
        def run():
            decoder(z)
    else:
        run = compiled_by_openvino(options, decoder, z)
    report(run, options, warm=1)


if __name__ == "__main__":
    main()
