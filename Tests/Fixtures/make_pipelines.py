"""Writes Tests/Fixtures/pipelines: tiny pipeline folders as diffusers saves them, and what diffusers samples from them.

`expected.safetensors` holds, a case each, the float images at the end of the loop of `DDPMPipeline` or `DDIMPipeline`
(before their rescaling to [0, 1]) for `torch.Generator("cpu").manual_seed(7)`, and for `DiTPipeline` and `LDMPipeline`
what their autoencoder decodes at the end.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_pipelines.py
"""
import json
import pathlib

import diffusers
import torch
from diffusers import (
    AutoencoderKL, DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, DiTPipeline, DiTTransformer2DModel, LDMPipeline,
    UNet2DModel)
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "pipelines"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"


def unet(seed, **options):
    torch.manual_seed(seed)
    model = UNet2DModel(
        **options, sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
        time_embedding_dim=16, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


def autoencoder(seed, **options):
    torch.manual_seed(seed)
    return AutoencoderKL(
        block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, **options).eval()


def decoded(pipeline, autoencoder, **arguments):
    """What the autoencoder returns at the end, which the pipeline rescales and rounds."""
    results = []
    original = autoencoder.decode

    def decode(*args, **kwargs):
        results.append(original(*args, **kwargs))
        return results[-1]

    autoencoder.decode = decode
    pipeline.set_progress_bar_config(disable=True)
    pipeline(generator=torch.Generator("cpu").manual_seed(7), output_type="np", **arguments)
    return results[-1].sample.contiguous()


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

    v = DDIMPipeline(unet(3), DDIMScheduler(
        beta_schedule="scaled_linear", prediction_type="v_prediction", timestep_spacing="trailing",
        rescale_betas_zero_snr=True, clip_sample=False))
    v.save_pretrained(HERE / "ddim-v-zero-snr")
    save_file({"batch2-steps12": floats(v, batch_size=2, num_inference_steps=12)},
              HERE / "ddim-v-zero-snr" / "expected.safetensors", {"program": PROGRAM})

    # DiTPipeline's class for none is number 1000 whatever the network, so the network has a thousand.
    torch.manual_seed(4)
    transformer = DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, num_layers=1, out_channels=8, sample_size=8).eval()
    with torch.no_grad():
        # Embeddings of the paper's deviation would leave the classes, and so guidance, next to nothing to do.
        transformer.transformer_blocks[0].norm1.emb.class_embedder.embedding_table.weight.mul_(3)
    vae = autoencoder(5, scaling_factor=0.5)
    dit = DiTPipeline(transformer, vae, DDIMScheduler(beta_schedule="linear", clip_sample=False))
    dit.save_pretrained(HERE / "dit")
    index = HERE / "dit" / "model_index.json"
    names = {str(i): f"class {i}, number {i}" for i in range(1000)} | {"2": "tabby, tabby cat"}
    index.write_text(json.dumps(json.loads(index.read_text()) | {"id2label": names}, indent=1) + "\n")
    save_file({"classes2-7-guidance4-steps5": decoded(dit, vae, class_labels=[2, 7], guidance_scale=4.0, num_inference_steps=5),
               "class5-steps6": decoded(dit, vae, class_labels=[5], guidance_scale=1.0, num_inference_steps=6)},
              HERE / "dit" / "expected.safetensors", {"program": PROGRAM})

    vae = autoencoder(6, latent_channels=3, scaling_factor=0.7, use_quant_conv=False, use_post_quant_conv=False)
    ldm = LDMPipeline(vae, unet(7, in_channels=3, out_channels=3), DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False))
    ldm.save_pretrained(HERE / "ldm")
    save_file({"batch2-steps6": decoded(ldm, vae, batch_size=2, num_inference_steps=6),
               "batch1-steps4": decoded(ldm, vae, batch_size=1, num_inference_steps=4)},
              HERE / "ldm" / "expected.safetensors", {"program": PROGRAM})

    for file in HERE.rglob("*.*"):
        file.chmod(0o644)


if __name__ == "__main__":
    main()
