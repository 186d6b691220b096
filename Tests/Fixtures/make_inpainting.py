"""Writes Tests/Fixtures/inpainting: a tiny U-Net of nine channels with random weights, to take the place of that of the folder
stable-diffusion/sd; and what diffusers makes of a picture and a mask with it, and with ControlNets.

`expected.safetensors` holds, a case each, the decoded floats (before their rescaling to [0, 1]) for
`torch.Generator("cpu").manual_seed(7)` and 8 steps. Cases that begin with `nine` are of StableDiffusionInpaintPipeline with that
U-Net; the others of StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetInpaintPipeline and, where PNDM asks the
same twice, StableDiffusionControlNetPipeline with `controlled`.

    pip install torch diffusers transformers safetensors pillow numpy
    python Tests/Fixtures/make_inpainting.py
"""
import json
import pathlib
import shutil

import diffusers
import torch
import transformers
from diffusers import (
    ControlNetModel, DDIMScheduler, PNDMScheduler, StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetInpaintPipeline, StableDiffusionControlNetPipeline, StableDiffusionInpaintPipeline,
    UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file

FIXTURES = pathlib.Path(__file__).parent
HERE = FIXTURES / "inpainting"
SD = FIXTURES / "stable-diffusion"
PROGRAM = (f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
TOLD = dict(
    prompt="a red star on a blue background", negative_prompt="dark red circle", guidance_scale=5.0, num_inference_steps=8,
    height=16, width=16)


def unet():
    net = UNet2DConditionModel(
        sample_size=8, in_channels=9, out_channels=4, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4,
        attention_head_dim=2, time_embedding_dim=16, cross_attention_dim=16,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"))
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    net.eval().save_pretrained(HERE / "unet")
    return net


def sampled(pipeline, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    latents = pipeline(
        **TOLD, output_type="latent", generator=torch.Generator("cpu").manual_seed(7), **arguments).images
    with torch.no_grad():
        return pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.contiguous()


def main():
    torch.set_num_threads(1)
    torch.manual_seed(5)
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    picture = Image.open(FIXTURES / "edits" / "picture-16.png").convert("RGB")
    mask = Image.open(FIXTURES / "edits" / "mask-16.png").convert("L")
    nothing = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    nine = StableDiffusionInpaintPipeline.from_pretrained(SD / "sd", unet=unet(), **nothing)
    nine.scheduler = DDIMScheduler.from_config(json.loads((SD / "schedulers" / "ddim.json").read_text()))
    hole = dict(image=picture, mask_image=mask)
    cases = {
        "nine": sampled(nine, **hole, num_images_per_prompt=2),
        "nine-strength": sampled(nine, **hole, strength=0.6, num_images_per_prompt=2),
    }
    parts = {k: v for k, v in nine.components.items() if k != "unet"} | {"requires_safety_checker": False}
    nets = [ControlNetModel.from_pretrained(FIXTURES / "controlled" / name).eval() for name in ["first", "second"]]
    images = [Image.open(FIXTURES / "controlled" / f"{name}.png") for name in ["first", "second"]]
    four = UNet2DConditionModel.from_pretrained(SD / "sd" / "unet").eval()
    img2img = StableDiffusionControlNetImg2ImgPipeline(**parts, unet=four, controlnet=nets[0])
    half = dict(control_guidance_start=0.2, control_guidance_end=0.6)
    cases["img2img"] = sampled(
        img2img, image=picture, control_image=images[0], strength=0.75, controlnet_conditioning_scale=1.0, **half)
    inpaint = StableDiffusionControlNetInpaintPipeline(**parts, unet=four, controlnet=nets)
    cases["inpaint"] = sampled(
        inpaint, **hole, control_image=images, strength=0.75, controlnet_conditioning_scale=[0.5, 1.25], **half)
    with_nine = StableDiffusionControlNetInpaintPipeline(**parts, unet=nine.unet, controlnet=nets[0])
    cases["nine-controlled"] = sampled(
        with_nine, **hole, control_image=images[0], strength=1.0, controlnet_conditioning_scale=0.5)
    sample = StableDiffusionControlNetPipeline(**parts, unet=four, controlnet=nets[0])
    sample.scheduler = PNDMScheduler.from_pretrained(SD / "sd" / "scheduler")
    cases["pndm-part"] = sampled(sample, image=images[0], **half)
    save_file(cases, HERE / "expected.safetensors", {"program": PROGRAM})
    for file in HERE.rglob("*"):
        if file.is_file():
            file.chmod(0o644)
    for key, value in cases.items():
        print(key, tuple(value.shape), float(value.std()), float((value[:1] - cases["nine"][:1]).abs().max()))


if __name__ == "__main__":
    main()
