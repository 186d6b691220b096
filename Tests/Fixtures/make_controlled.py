"""Writes Tests/Fixtures/controlled: two tiny ControlNets with random weights for the folder stable-diffusion/sd, as diffusers saves
them, the pictures that they read, and what StableDiffusionControlNetPipeline makes of both.

`expected.safetensors` holds, a case each, the decoded floats (before their rescaling to [0, 1]) for
`torch.Generator("cpu").manual_seed(7)` and 8 steps of the folder's own scheduler, or of DDIM.

    pip install torch diffusers transformers safetensors pillow numpy
    python Tests/Fixtures/make_controlled.py
"""
import json
import pathlib
import shutil

import diffusers
import numpy
import torch
import transformers
from diffusers import ControlNetModel, DDIMScheduler, StableDiffusionControlNetPipeline
from PIL import Image
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).parent
HERE = FIXTURES / "controlled"
SD = FIXTURES / "stable-diffusion"
PROGRAM = (f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
PROMPT, NEGATIVE = "a red star on a blue background", "dark red circle"


def controlnet(name, **config):
    net = ControlNetModel(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=2, cross_attention_dim=16,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), conditioning_embedding_out_channels=(8, 8), **config)
    with torch.no_grad():
        # Fresh zero convolutions would add nothing.
        for parameter in net.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    net.eval().save_pretrained(HERE / name)
    return net


def sampled(pipeline, images, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    latents = pipeline(
        PROMPT, image=images, negative_prompt=NEGATIVE, num_inference_steps=8, output_type="latent",
        generator=torch.Generator("cpu").manual_seed(7), **arguments).images
    with torch.no_grad():
        return pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.contiguous()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(3)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        SD / "sd", controlnet=None, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    nets = [controlnet("first"), controlnet("second", controlnet_conditioning_channel_order="bgr")]
    images = []
    for name in ["first", "second"]:
        pixels = numpy.random.default_rng(len(images)).integers(0, 256, (16, 16, 3), dtype=numpy.uint8)
        images.append(Image.fromarray(pixels))
        images[-1].save(HERE / f"{name}.png")

    ddim = DDIMScheduler.from_config(json.loads((SD / "schedulers" / "ddim.json").read_text()))
    own, cases = pipeline.scheduler, {}
    parts = {k: v for k, v in pipeline.components.items() if k != "controlnet"}
    one = StableDiffusionControlNetPipeline(**parts, controlnet=nets[0], requires_safety_checker=False)
    two = StableDiffusionControlNetPipeline(**parts, controlnet=nets, requires_safety_checker=False)
    guided = dict(guidance_scale=5.0)
    cases["one"] = sampled(one, images[0], num_images_per_prompt=2, **guided)
    one.scheduler = two.scheduler = ddim
    cases["one-ddim"] = sampled(one, images[0], controlnet_conditioning_scale=0.6, **guided)
    cases["unguided"] = sampled(one, images[0], guidance_scale=1.0)
    cases["guess"] = sampled(one, images[0], guess_mode=True, **guided)
    cases["part"] = sampled(one, images[0], control_guidance_start=0.2, control_guidance_end=0.6, **guided)
    cases["two"] = sampled(
        two, images, controlnet_conditioning_scale=[0.5, 1.25], control_guidance_start=[0.0, 0.25],
        control_guidance_end=[0.5, 1.0], **guided)
    one.scheduler = two.scheduler = own
    save_file(cases, HERE / "expected.safetensors", {"program": PROGRAM})
    for file in HERE.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
    for key, value in cases.items():
        print(key, tuple(value.shape), float(value.std()), float((value - cases["one-ddim"]).abs().max()))


if __name__ == "__main__":
    main()
