"""Writes Tests/Fixtures/stable-diffusion/guidance-embedding.safetensors: the tensor that makes of the U-Net of the folder `sd` beside
it one that is told a guidance scale (time_cond_proj_dim 16), and what StableDiffusionPipeline makes with that U-Net: the decoded
floats for `torch.Generator("cpu").manual_seed(7)` and 4 steps of DDIM.

    pip install torch diffusers transformers safetensors
    python Tests/Fixtures/make_guidance_embedding.py
"""
import json
import pathlib

import diffusers
import torch
import transformers
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file

SD = pathlib.Path(__file__).parent / "stable-diffusion"
PROGRAM = (f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
KEY = "time_embedding.cond_proj.weight"


def main():
    torch.manual_seed(11)
    pipeline = StableDiffusionPipeline.from_pretrained(
        SD / "sd", safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    config = dict(pipeline.unet.config)
    net = UNet2DConditionModel.from_config(config | {"time_cond_proj_dim": 16})
    missing = net.load_state_dict(pipeline.unet.state_dict(), strict=False)
    assert missing.missing_keys == [KEY], missing
    torch.nn.init.normal_(net.get_parameter(KEY), std=0.5)
    pipeline.unet = net.eval()
    pipeline.scheduler = DDIMScheduler.from_config(json.loads((SD / "schedulers" / "ddim.json").read_text()))
    pipeline.set_progress_bar_config(disable=True)
    cases = {KEY: net.get_parameter(KEY).detach().clone()}
    for scale in [1.0, 5.0]:
        latents = pipeline(
            "a red star on a blue background", guidance_scale=scale, num_inference_steps=4, num_images_per_prompt=2,
            output_type="latent", generator=torch.Generator("cpu").manual_seed(7)).images
        with torch.no_grad():
            cases[f"scale {scale:g}"] = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.contiguous()
    print((cases["scale 1"] - cases["scale 5"]).abs().max())
    save_file(cases, SD / "guidance-embedding.safetensors", {"program": PROGRAM})
    (SD / "guidance-embedding.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
