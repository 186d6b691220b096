"""Writes Tests/Fixtures/pipelines: tiny pipeline folders as diffusers saves them, and what diffusers samples from them.

`expected.safetensors` holds, a case each, the float images at the end of the loop of `DDPMPipeline` or `DDIMPipeline`
(before their rescaling to [0, 1]) for `torch.Generator("cpu").manual_seed(7)`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_pipelines.py
"""
import pathlib

import diffusers
import torch
from diffusers import DDIMPipeline, DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "pipelines"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"


def unet(seed):
    torch.manual_seed(seed)
    model = UNet2DModel(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=8,
        time_embedding_dim=16, down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * torch.randn_like(parameter))
    return model.eval()


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


if __name__ == "__main__":
    main()
