"""Writes Tests/Fixtures/stable-diffusion/guidance.safetensors: what StableDiffusionPipeline makes of the folder `sd` beside it
under more of guidance than a scale: the decoded floats for `torch.Generator("cpu").manual_seed(7)` and 8 steps of DDIM.

Rescaling is the pipeline's own; an end of guidance is its callback's. What it lacks (a negative branch, perpendicular or not, and
autoguidance) is written out here by the papers' formulas, in place of its U-Net. The weaker model is `sd` with the final norm
of its text encoder halved and the U-Net's last convolution times 0.8. `unread` is of `sd` with the U-Net's attention left out: it
draws the same whatever it is told.

    pip install torch diffusers transformers safetensors
    python Tests/Fixtures/make_text_guidance.py
"""
import json
import pathlib

import diffusers
import torch
import transformers
from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file

SD = pathlib.Path(__file__).parent / "stable-diffusion"
PROGRAM = f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}"
PROMPT, NEGATIVE = "a red star on a blue background", "dark red circle"
SCALE, NEGATIVE_SCALE = 5.0, 2.0


def opened():
    pipeline = StableDiffusionPipeline.from_pretrained(
        SD / "sd", safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    pipeline.scheduler = DDIMScheduler.from_config(json.loads((SD / "schedulers" / "ddim.json").read_text()))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def sampled(pipeline, **arguments):
    latents = pipeline(
        PROMPT, num_inference_steps=8, num_images_per_prompt=2, output_type="latent",
        generator=torch.Generator("cpu").manual_seed(7), **arguments).images
    with torch.no_grad():
        return pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.contiguous()


def states(pipeline, text):
    return pipeline.encode_prompt(text, "cpu", 2, False)[0]


class Guided(torch.nn.Module):
    """A U-Net's place: `rule` combines what `say` gives for the states of texts."""

    def __init__(self, network, rule):
        super().__init__()
        self.network, self.rule = network, rule
        self.config, self.dtype, self.device = network.config, network.dtype, network.device

    def forward(self, x, t, encoder_hidden_states, **_):
        def say(states, network=self.network):
            return network(x, t, encoder_hidden_states=states, return_dict=False)[0]

        return (self.rule(say, encoder_hidden_states),)


def guided(rule):
    pipeline = opened()
    pipeline.unet = Guided(pipeline.unet, rule)
    return sampled(pipeline, guidance_scale=1.0)


def unread():
    pipeline = opened()
    net = UNet2DConditionModel.from_config(dict(pipeline.unet.config) | dict(
        down_block_types=["DownBlock2D"] * 2, up_block_types=["UpBlock2D"] * 2, mid_block_type="UNetMidBlock2D"))
    own = net.state_dict().keys()
    net.load_state_dict({key: value for key, value in pipeline.unet.state_dict().items() if key in own})
    pipeline.unet = net.eval()
    return sampled(pipeline, guidance_scale=SCALE)


def main():
    pipeline = opened()
    empty, against = states(pipeline, ""), states(pipeline, NEGATIVE)

    def branch(say, wanted):
        u = say(empty)
        return u + SCALE * (say(wanted) - u) - NEGATIVE_SCALE * (say(against) - u)

    def perpendicular(say, wanted):
        u = say(empty)
        p, n = say(wanted) - u, say(against) - u
        share = (n * p).flatten(1).sum(1) / (p * p).flatten(1).sum(1)
        return u + SCALE * (p - NEGATIVE_SCALE * (n - share[:, None, None, None] * p))

    weak = opened()
    with torch.no_grad():
        encoder = getattr(weak.text_encoder, "text_model", weak.text_encoder)
        encoder.final_layer_norm.weight.mul_(0.5)
        weak.unet.conv_out.weight.mul_(0.8)
    told = states(weak, PROMPT)

    def autoguidance(say, wanted):
        w = say(told, weak.unet)
        return w + SCALE * (say(wanted) - w)

    def end(pipe, step, timestep, values):
        if step + 1 == 4:
            pipe._guidance_scale = 1.0
            values["prompt_embeds"] = values["prompt_embeds"].chunk(2)[-1]
        return values

    cases = {
        "rescale": sampled(pipeline, negative_prompt=NEGATIVE, guidance_scale=SCALE, guidance_rescale=0.7),
        "end": sampled(
            pipeline, negative_prompt=NEGATIVE, guidance_scale=SCALE, callback_on_step_end=end,
            callback_on_step_end_tensor_inputs=["prompt_embeds"]),
        "branch": guided(branch), "perpendicular": guided(perpendicular), "autoguidance": guided(autoguidance),
        "unread": unread(),
    }
    plain = sampled(opened(), guidance_scale=SCALE)
    print({name: float((case - plain).abs().max()) for name, case in cases.items()})
    save_file(cases, SD / "guidance.safetensors", {"program": PROGRAM})
    (SD / "guidance.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
