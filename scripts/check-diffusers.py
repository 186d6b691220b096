"""Opens a model folder that Darkroom trained in diffusers, samples it in both programs, and prints the largest difference.

    darkroom train <images> --output run …            # without --classes: diffusers' DDPMPipeline has no labels
    python scripts/check-diffusers.py .build/release/darkroom run
    darkroom train <images> --captions metadata --output told …               # of pixels, or with --vae of latents
    python scripts/check-diffusers.py .build/release/darkroom told "a red star on a blue background" ["a circle"]
    darkroom train controlnet told pairs --output outlines …
    python scripts/check-diffusers.py .build/release/darkroom told "a red star on a blue background" "" outlines edges.png

A model that reads texts is sampled by StableDiffusionPipeline, one of pixels by the same without a VAE: what it calls latents
are then the pictures. It is guided by 4, away from the second text where there is one, with and without a rescale of 0.7, and
under several samplers; with a ControlNet and the picture that it reads, by StableDiffusionControlNetPipeline. Exits with 1 where a pixel, in [-1, 1], differs by more than 1e-3.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import diffusers
import torch
from diffusers import ControlNetModel, DiffusionPipeline, StableDiffusionControlNetPipeline
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from safetensors.torch import load_file

STEPS, COUNT, SEED = 20, 2, 7
# As Darkroom calls them, and as diffusers does.
SAMPLERS = {
    "ddim": "DDIMScheduler", "euler": "EulerDiscreteScheduler", "pndm": "PNDMScheduler",
    "dpmpp-2m": "DPMSolverMultistepScheduler",
}


def ours(darkroom, model, told):
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "images.safetensors"
        subprocess.run([darkroom, "sample", model, "--rng", "torch", "--seed", str(SEED), "--count", str(COUNT), "--steps",
                        str(STEPS), "--quiet", "--output", str(output)] + told, check=True)
        return load_file(output)["images"]


def sampled(pipeline, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    images = torch.as_tensor(pipeline(
        num_inference_steps=STEPS, generator=torch.Generator("cpu").manual_seed(SEED), **arguments).images)
    return images.permute(0, 3, 1, 2) if images.shape[-1] == 3 else images


def differences(darkroom, model):
    """Of a model that reads no texts."""
    pipeline = DiffusionPipeline.from_pretrained(model)
    theirs = sampled(pipeline, batch_size=COUNT, output_type="pt")
    yield type(pipeline).__name__, ours(darkroom, model, []).clamp(-1, 1) - (theirs * 2 - 1)


def told_differences(darkroom, model, prompt, negative):
    index = json.loads((pathlib.Path(model) / "model_index.json").read_text())
    isOfPixels = index["vae"][1] is None
    # Without a type transformers keeps that of a file, f16 of an exported model, and diffusers does not.
    pipeline = DiffusionPipeline.from_pretrained(
        model, torch_dtype=torch.float32, **({"vae": None} if isOfPixels else {}))
    # The pipeline takes clip_sample out of a schedule, which a model of pictures, unlike one of latents, may ask for.
    own = type(pipeline.scheduler).from_pretrained(model, subfolder="scheduler")
    size = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    for sampler in [None, *SAMPLERS]:
        name = SAMPLERS.get(sampler, type(own).__name__)
        pipeline.scheduler = getattr(diffusers, name).from_config(own.config)
        for rescale in [0.0, 0.7]:
            theirs = sampled(
                pipeline, prompt=prompt, negative_prompt=negative, num_images_per_prompt=COUNT, guidance_scale=4,
                guidance_rescale=rescale, height=size, width=size, output_type="latent" if isOfPixels else "pt")
            words = ["--prompt", prompt, "--prompt-syntax", "plain", "--guidance-scale", "4"]
            words += ["--negative-prompt", negative] if negative else []
            words += ["--guidance-rescale", str(rescale)] + (["--sampler", sampler] if sampler else [])
            mine = ours(darkroom, model, words)
            # Pictures are returned in [0, 1] and clamped, latents as they are.
            yield (f"{type(pipeline).__name__}, {sampler or name}, rescale {rescale}",
                   mine - theirs if isOfPixels else mine.clamp(-1, 1) - (theirs * 2 - 1))


def steered_differences(darkroom, model, prompt, control, picture):
    index = json.loads((pathlib.Path(model) / "model_index.json").read_text())
    isOfPixels = index["vae"][1] is None
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        model, controlnet=ControlNetModel.from_pretrained(control), torch_dtype=torch.float32,
        **({"vae": None} if isOfPixels else {}))
    if isOfPixels:
        pipeline.scheduler = type(pipeline.scheduler).from_pretrained(model, subfolder="scheduler")
        # Without a VAE it is taken for 8, by which the picture would be enlarged.
        pipeline.vae_scale_factor = 1
        pipeline.control_image_processor = VaeImageProcessor(vae_scale_factor=1, do_convert_rgb=True, do_normalize=False)
    size = pipeline.unet.config.sample_size * pipeline.vae_scale_factor
    theirs = sampled(
        pipeline, prompt=prompt, image=Image.open(picture), num_images_per_prompt=COUNT, guidance_scale=4, height=size,
        width=size, output_type="latent" if isOfPixels else "pt")
    mine = ours(darkroom, model, [
        "--prompt", prompt, "--prompt-syntax", "plain", "--guidance-scale", "4", "--controlnet", control, "--control-image",
        picture])
    yield type(pipeline).__name__, mine - theirs if isOfPixels else mine.clamp(-1, 1) - (theirs * 2 - 1)


def main():
    darkroom, model = sys.argv[1:3]
    prompt, negative, control, picture = (sys.argv[3:7] + 4 * [None])[:4]
    if prompt is None:
        found = differences(darkroom, model)
    elif control:
        found = steered_differences(darkroom, model, prompt, control, picture)
    else:
        found = told_differences(darkroom, model, prompt, negative)
    most = 0.0
    for what, difference in found:
        largest = difference.abs().max().item()
        print(f"{what}: largest difference {largest:.2e}")
        # What is not a number is no small difference.
        most = max(most, largest if largest == largest else float("inf"))
    return 0 if most < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
