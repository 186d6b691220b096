"""Opens a model folder that Darkroom trained in diffusers, samples it in both programs, and prints the largest difference.

    darkroom train <images> --output run …            # without --classes: diffusers' DDPMPipeline has no labels
    python scripts/check-diffusers.py .build/release/darkroom run

Exits with 1 where a pixel, in [-1, 1], differs by more than 1e-3.
"""
import pathlib
import subprocess
import sys
import tempfile

import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file


def main():
    darkroom, model = sys.argv[1:3]
    pipeline = DiffusionPipeline.from_pretrained(model)
    pipeline.set_progress_bar_config(disable=True)
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "images.safetensors"
        subprocess.run([darkroom, "sample", model, "--rng", "torch", "--seed", "7", "--count", "2", "--steps", "20",
                        "--output", str(output)], check=True)
        ours = load_file(output)["images"]
    theirs = pipeline(batch_size=2, num_inference_steps=20, generator=torch.Generator("cpu").manual_seed(7),
                      output_type="pt").images
    theirs = torch.as_tensor(theirs)
    if theirs.shape[-1] == 3:
        theirs = theirs.permute(0, 3, 1, 2)
    # The pipeline returns pictures in [0, 1], clamped.
    difference = (ours.clamp(-1, 1) - (theirs * 2 - 1)).abs().max().item()
    print(f"{type(pipeline).__name__}: largest difference {difference:.2e}")
    return 0 if difference < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
