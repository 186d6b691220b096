"""Writes Tests/Fixtures/pipelines: tiny pipeline folders as diffusers saves them, and what diffusers samples from them.

`expected.safetensors` holds, a case each, the float images at the end of the loop of `DDPMPipeline` or `DDIMPipeline`
(before their rescaling to [0, 1]) for `torch.Generator("cpu").manual_seed(7)`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_pipelines.py
"""
import pathlib

import diffusers
import torch
from diffusers import (
    AutoencoderKL, DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DiTPipeline, DiTTransformer2DModel,
    EulerAncestralDiscreteScheduler, LDMPipeline, UNet2DModel)
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "pipelines"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"


def unet(seed, channels=3):
    torch.manual_seed(seed)
    model = UNet2DModel(
        in_channels=channels, out_channels=channels, sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
        time_embedding_dim=16, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def vae(seed):
    torch.manual_seed(seed)
    model = AutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, scaling_factor=0.7)
    return disturbed(model)


def disturbed(model):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def dit(seed):
    torch.manual_seed(seed)
    return disturbed(DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=2, sample_size=8,
        patch_size=2, num_embeds_ada_norm=1000, norm_eps=1e-6))


def decoded(pipeline, vae, latents):
    with torch.no_grad():
        return vae.decode(latents / vae.config.scaling_factor).sample.contiguous()


def floats(pipeline, **arguments):
    """The loop's last state, which the pipeline rescales before it returns it."""
    states = []
    original = pipeline.scheduler.step

    def step(*args, **kwargs):
        result = original(*args, **kwargs)
        states.append(result.prev_sample)
        return result

    pipeline.scheduler.step = step
    pipeline.set_progress_bar_config(disable=True)
    pipeline(generator=torch.Generator("cpu").manual_seed(7), output_type="pt", **arguments)
    return states[-1].contiguous()


def main():
    ddpm = DDPMPipeline(unet(1), DDPMScheduler())
    ddpm.save_pretrained(HERE / "ddpm")
    save_file({"batch2-steps10": floats(ddpm, batch_size=2, num_inference_steps=10),
               "batch1-steps25": floats(ddpm, batch_size=1, num_inference_steps=25)},
              HERE / "ddpm" / "expected.safetensors", {"program": PROGRAM})

    ddim = DDIMPipeline(unet(2), DDIMScheduler(beta_schedule="squaredcos_cap_v2"))
    ddim.save_pretrained(HERE / "ddim")
    save_file({"batch2-steps10": floats(ddim, batch_size=2, num_inference_steps=10),
               "batch3-steps10-eta0.5": floats(ddim, batch_size=3, num_inference_steps=10, eta=0.5)},
              HERE / "ddim" / "expected.safetensors", {"program": PROGRAM})

    # Ancestral sampling by hand: no pipeline of an unconditional U-Net scales its input.
    ancestral = EulerAncestralDiscreteScheduler(beta_schedule="scaled_linear")
    pipeline = DDPMPipeline(unet(4), ancestral)
    pipeline.save_pretrained(HERE / "euler-a")
    generator = torch.Generator("cpu").manual_seed(7)
    ancestral.set_timesteps(10)
    x = torch.randn(2, 3, 8, 8, generator=generator) * ancestral.init_noise_sigma
    with torch.no_grad():
        for t in ancestral.timesteps:
            x = ancestral.step(pipeline.unet(ancestral.scale_model_input(x, t), t).sample, t, x,
                               generator=generator).prev_sample
    save_file({"batch2-steps10": x.contiguous()}, HERE / "euler-a" / "expected.safetensors", {"program": PROGRAM})

    ldm = LDMPipeline(vae(5), unet(6, channels=4), DDIMScheduler(clip_sample=False))
    ldm.save_pretrained(HERE / "ldm")
    latents = floats(ldm, batch_size=2, num_inference_steps=10)
    save_file({"batch2-steps10": decoded(ldm, ldm.vqvae, latents)}, HERE / "ldm" / "expected.safetensors",
              {"program": PROGRAM})

    labels = {i: f"class {i}" for i in range(1000)}
    pipeline = DiTPipeline(dit(8), vae(9), DDIMScheduler(clip_sample=False), id2label=labels)
    pipeline.save_pretrained(HERE / "dit")
    cases = {}
    for name, scale in [("batch2-steps10", 1.0), ("batch2-steps10-guidance4", 4.0)]:
        latents = floats(pipeline, class_labels=[3, 207], num_inference_steps=10, guidance_scale=scale)[:2]
        cases[name] = decoded(pipeline, pipeline.vae, latents)
    save_file(cases, HERE / "dit" / "expected.safetensors", {"program": PROGRAM})

    v = DDIMPipeline(unet(3), DDIMScheduler(
        beta_schedule="scaled_linear", prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True, clip_sample=False))
    v.save_pretrained(HERE / "ddim-v-zero-snr")
    save_file({"batch2-steps12": floats(v, batch_size=2, num_inference_steps=12)},
              HERE / "ddim-v-zero-snr" / "expected.safetensors", {"program": PROGRAM})


if __name__ == "__main__":
    main()
