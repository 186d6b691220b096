"""Writes Tests/Fixtures/edits: a picture and a mask, and what the pipelines beside them make of these.

diffusers has no img2img or inpaint pipeline for these models, so its schedulers are called as
`StableDiffusionImg2ImgPipeline` and `StableDiffusionInpaintPipeline` call them: the same draws in the same order, the same
timesteps, the same blending. `expected.safetensors` holds the float images of `torch.Generator("cpu").manual_seed(7)`.

    pip install torch diffusers safetensors pillow numpy
    python Tests/Fixtures/make_edits.py
"""
import json
import pathlib

import diffusers
import numpy
import torch
from diffusers import AutoencoderKL, DiTTransformer2DModel, UNet2DModel
from PIL import Image
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
OUT = HERE / "edits"


def picture(side):
    y, x = numpy.mgrid[0:side, 0:side] / (side - 1)
    return numpy.stack([x, y, (x - 0.5) ** 2 + (y - 0.5) ** 2], -1).astype(numpy.float32)


def read(name):
    return torch.from_numpy(numpy.array(Image.open(OUT / name)).astype(numpy.float32) / 255)


class Model:
    """A folder's parts, and what its network says of a batch."""

    def __init__(self, name, labels=None, scale=1.0):
        folder = HERE / "pipelines" / name
        index = json.loads((folder / "model_index.json").read_text())
        self.scheduler = getattr(diffusers, index["scheduler"][1]).from_pretrained(folder / "scheduler")
        part = "transformer" if "transformer" in index else "unet"
        self.network = (DiTTransformer2DModel if part == "transformer" else UNet2DModel).from_pretrained(folder / part)
        vae = next((p for p in ("vae", "vqvae") if p in index), None)
        self.vae = AutoencoderKL.from_pretrained(folder / vae) if vae else None
        self.labels, self.scale = labels, scale
        self.side = 16 if vae else 8

    def __call__(self, x, t):
        x = self.scheduler.scale_model_input(x, t)
        if self.labels is None:
            return self.network(x, t).sample
        def said(labels):
            t_batch = torch.full((x.shape[0],), t.item(), dtype=torch.long)
            return self.network(x, t_batch, class_labels=torch.tensor(labels)).sample[:, :x.shape[1]]
        none = said([1000] * x.shape[0])
        return none + self.scale * (said(self.labels) - none)

    def encode(self, image, generator):
        if self.vae is None:
            return image
        return self.vae.encode(image).latent_dist.sample(generator) * self.vae.config.scaling_factor

    def decode(self, x):
        return x if self.vae is None else self.vae.decode(x / self.vae.config.scaling_factor).sample

    def begin(self, steps, strength):
        self.scheduler.set_timesteps(steps)
        first = (steps - min(int(steps * strength), steps)) * self.scheduler.order
        if hasattr(self.scheduler, "set_begin_index"):
            self.scheduler.set_begin_index(first)
        return self.scheduler.timesteps[first:]


@torch.no_grad()
def img2img(model, steps, strength, count):
    generator = torch.Generator("cpu").manual_seed(7)
    image = read(f"picture-{model.side}.png").permute(2, 0, 1)[None] * 2 - 1
    timesteps = model.begin(steps, strength)
    known = model.encode(image, generator).repeat(count, 1, 1, 1)
    x = model.scheduler.add_noise(known, torch.randn(known.shape, generator=generator), timesteps[:1].repeat(count))
    for t in timesteps:
        x = model.scheduler.step(model(x, t), t, x, generator=generator).prev_sample
    return model.decode(x).contiguous()


@torch.no_grad()
def inpaint(model, steps, strength, count, ragged=""):
    generator = torch.Generator("cpu").manual_seed(7)
    image = read(f"picture-{model.side}.png").permute(2, 0, 1)[None] * 2 - 1
    mask = (read(f"mask-{model.side}{ragged}.png")[None, None] >= 0.5).float()
    timesteps = model.begin(steps, strength)
    known = model.encode(image, generator).repeat(count, 1, 1, 1)
    noise = torch.randn(known.shape, generator=generator)
    x = noise * model.scheduler.init_noise_sigma if strength == 1 else model.scheduler.add_noise(
        known, noise, timesteps[:1].repeat(count))
    model.encode(image * (mask < 0.5), generator)
    mask = torch.nn.functional.interpolate(mask, size=known.shape[-2:])
    for i, t in enumerate(timesteps):
        x = model.scheduler.step(model(x, t), t, x, generator=generator).prev_sample
        proper = known
        if i < len(timesteps) - 1:
            proper = model.scheduler.add_noise(known, noise, timesteps[i + 1:i + 2].repeat(count))
        x = (1 - mask) * proper + mask * x
    return model.decode(x).contiguous()


def main():
    OUT.mkdir(exist_ok=True)
    for side in [8, 16]:
        Image.fromarray((picture(side) * 255).round().astype(numpy.uint8)).save(OUT / f"picture-{side}.png")
        mask = numpy.zeros((side, side), numpy.uint8)
        mask[side // 4:side * 3 // 4, side // 2:] = 255
        Image.fromarray(mask).save(OUT / f"mask-{side}.png")
    # Grey, and with borders within the cells of latents.
    mask = numpy.zeros((16, 16), numpy.uint8)
    mask[3:10, 1:12] = 90 + 15 * numpy.arange(11, dtype=numpy.uint8)
    Image.fromarray(mask).save(OUT / "mask-16-ragged.png")
    dit = {"labels": [3, 207], "scale": 4.0}
    cases = {
        "img2img ddim": img2img(Model("ddim"), 10, 0.65, 2),
        "img2img ddpm": img2img(Model("ddpm"), 12, 1.0, 1),
        "img2img ddim-v-zero-snr": img2img(Model("ddim-v-zero-snr"), 12, 0.5, 1),
        "img2img euler-a": img2img(Model("euler-a"), 10, 0.4, 2),
        "img2img ldm": img2img(Model("ldm"), 10, 0.7, 2),
        "img2img dit": img2img(Model("dit", **dit), 10, 0.6, 2),
        "inpaint ddim": inpaint(Model("ddim"), 10, 1.0, 2),
        "inpaint ddpm": inpaint(Model("ddpm"), 12, 0.8, 2),
        "inpaint ldm": inpaint(Model("ldm"), 10, 1.0, 2),
        "inpaint ldm-ragged": inpaint(Model("ldm"), 10, 0.9, 1, "-ragged"),
        "inpaint dit": inpaint(Model("dit", **dit), 10, 0.7, 2),
    }
    program = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    save_file(cases, OUT / "expected.safetensors", {"program": program})
    (OUT / "expected.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
