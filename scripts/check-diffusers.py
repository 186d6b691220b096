"""Opens a model folder that Darkroom trained in diffusers, samples it in both programs, and prints the largest difference.

    darkroom train <images> --output run …            # without --classes: diffusers' DDPMPipeline has no labels
    python scripts/check-diffusers.py .build/release/darkroom run
    darkroom train <images> --captions metadata --output told …
    python scripts/check-diffusers.py .build/release/darkroom told "a red star on a blue background"

A model that reads texts is sampled by StableDiffusionPipeline, one of pixels by the same without a VAE: what it calls latents
are then the pictures. Exits with 1 where a pixel, in [-1, 1], differs by more than 1e-3.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from diffusers import DiffusionPipeline
from safetensors.torch import load_file

STEPS, COUNT, SEED = 20, 2, 7


def ours(darkroom, model, told):
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "images.safetensors"
        subprocess.run([darkroom, "sample", model, "--rng", "torch", "--seed", str(SEED), "--count", str(COUNT), "--steps",
                        str(STEPS), "--output", str(output)] + told, check=True)
        return load_file(output)["images"]


def main():
    darkroom, model = sys.argv[1:3]
    prompt = sys.argv[3] if len(sys.argv) > 3 else None
    generator = torch.Generator("cpu").manual_seed(SEED)
    if prompt is None:
        pipeline = DiffusionPipeline.from_pretrained(model)
        pipeline.set_progress_bar_config(disable=True)
        theirs = pipeline(batch_size=COUNT, num_inference_steps=STEPS, generator=generator, output_type="pt").images
        told, isOfPixels = [], False
    else:
        index = json.loads((pathlib.Path(model) / "model_index.json").read_text())
        isOfPixels = index["vae"][1] is None
        # Without a type transformers keeps that of a file, f16 of an exported model, and diffusers does not.
        pipeline = DiffusionPipeline.from_pretrained(model, torch_dtype=torch.float32,
                                                     **({"vae": None} if isOfPixels else {}))
        # The pipeline takes clip_sample out of a schedule, which pictures, unlike latents, were learned with.
        if isOfPixels:
            pipeline.scheduler = type(pipeline.scheduler).from_pretrained(model, subfolder="scheduler")
        pipeline.set_progress_bar_config(disable=True)
        size = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
        theirs = pipeline(prompt, num_images_per_prompt=COUNT, guidance_scale=4, num_inference_steps=STEPS,
                          generator=generator, height=size, width=size,
                          output_type="latent" if isOfPixels else "pt").images
        told = ["--prompt", prompt, "--prompt-syntax", "plain", "--guidance-scale", "4"]
    theirs = torch.as_tensor(theirs)
    if theirs.shape[-1] == 3:
        theirs = theirs.permute(0, 3, 1, 2)
    # Pictures are returned in [0, 1] and clamped, latents as they are.
    mine = ours(darkroom, model, told)
    difference = ((mine - theirs) if isOfPixels else mine.clamp(-1, 1) - (theirs * 2 - 1)).abs().max().item()
    print(f"{type(pipeline).__name__}: largest difference {difference:.2e}")
    return 0 if difference < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
