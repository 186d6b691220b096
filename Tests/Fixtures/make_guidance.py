"""Writes Tests/Fixtures/guidance.safetensors: diffusers' guidance rescale.

    pip install torch diffusers transformers safetensors
    python Tests/Fixtures/make_guidance.py
"""
import pathlib

import diffusers
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import rescale_noise_cfg
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent


def main():
    generator = torch.Generator().manual_seed(0)
    unconditional, conditional = torch.randn(2, 2, 3, 4, 4, generator=generator)
    conditional = conditional * torch.tensor([0.6, 1.7]).view(2, 1, 1, 1) + 0.3
    tensors = {"unconditional": unconditional.contiguous(), "conditional": conditional.contiguous()}
    guided = unconditional + 7.5 * (conditional - unconditional)
    for rescale in [0.0, 0.7, 1.0]:
        tensors[f"rescaled/{rescale}"] = rescale_noise_cfg(guided, conditional, guidance_rescale=rescale)
    save_file(tensors, HERE / "guidance.safetensors",
              {"program": f"diffusers {diffusers.__version__}, torch {torch.__version__}"})


if __name__ == "__main__":
    main()
