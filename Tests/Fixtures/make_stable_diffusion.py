"""Writes Tests/Fixtures/stable-diffusion: tiny StableDiffusionPipelines with random weights, as diffusers saves them, and what
diffusers makes of prompts with them.

`sd` is of Stable Diffusion 1's form, `sdxl` of SDXL's; `schedulers` holds configurations that `sd` is sampled with besides its
own. `expected.safetensors` holds, a case each, the decoded floats (before their rescaling to [0, 1]) for
`torch.Generator("cpu").manual_seed(7)`.

    pip install torch diffusers transformers safetensors
    python Tests/Fixtures/make_stable_diffusion.py
"""
import json
import pathlib
import shutil

import diffusers
import torch
import transformers
from diffusers import (
    AutoencoderKL, DDIMScheduler, DPMSolverMultistepScheduler, EulerDiscreteScheduler, PNDMScheduler,
    StableDiffusionPipeline, StableDiffusionXLPipeline, TCDScheduler, UNet2DConditionModel)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

FIXTURES = pathlib.Path(__file__).parent
HERE = FIXTURES / "stable-diffusion"
PROGRAM = (f"diffusers {diffusers.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
NOISE = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1)

PROMPT, NEGATIVE = "a red star on a blue background", "dark red circle"
PROMPTS = ["a green triangle", "two yellow circles, light-blue"]
LONG = ", ".join(["a red star on a blue background"] * 15)


def disturbed(model, by=0.05):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(by * torch.randn_like(parameter))
    return model.eval()


def vae():
    return disturbed(AutoencoderKL(
        block_out_channels=(8, 8), layers_per_block=1, norm_num_groups=4, latent_channels=4, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2), 0.02)


def unet(**config):
    return disturbed(UNet2DConditionModel(**(dict(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=2,
        time_embedding_dim=16, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D")) | config)))


def tokenizer(pad="<|endoftext|>"):
    return CLIPTokenizer.from_pretrained(FIXTURES / "tokenizer" / "trained", pad_token=pad)


def text_encoder(kind, tokenizer, **config):
    config = CLIPTextConfig(**(dict(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id) | config))
    model = disturbed(kind(config), 0.3)
    # diffusers looks for the final norm, which clip_skip takes, where transformers had it before 5.6.
    if not hasattr(model, "text_model"):
        object.__setattr__(model, "text_model", model)
    return model


def save(pipeline, folder):
    if folder.exists():
        shutil.rmtree(folder)
    pipeline.save_pretrained(folder)
    for name in ["tokenizer", "tokenizer_2"]:
        path = folder / name / "tokenizer.json"
        if path.exists():
            # Indentation makes most of the file.
            path.write_text(json.dumps(json.loads(path.read_text("utf-8")), ensure_ascii=False, separators=(",", ":")), "utf-8")
            config = json.loads((folder / name / "tokenizer_config.json").read_text())
            for key in ["is_local", "local_files_only"]:
                config.pop(key, None)
            (folder / name / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def sampled(pipeline, prompt, **arguments):
    pipeline.set_progress_bar_config(disable=True)
    arguments = dict(num_inference_steps=8, generator=torch.Generator("cpu").manual_seed(7)) | arguments
    latents = pipeline(prompt, output_type="latent", **arguments).images
    with torch.no_grad():
        return pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample.contiguous()


def weighted(pipeline, chunks):
    """A1111's way: states times weights, each chunk's mean restored; chunks of 75 one after the other."""
    tokenizer, result = pipeline.tokenizer, []
    for chunk in chunks:
        ids, weights = [tokenizer.bos_token_id], [1.0]
        for text, weight in chunk:
            tokens = tokenizer(text, add_special_tokens=False).input_ids
            ids += tokens
            weights += [weight] * len(tokens)
        ids += [tokenizer.eos_token_id] * (77 - len(ids))
        weights = torch.tensor(weights + [1.0] * (77 - len(weights)))
        with torch.no_grad():
            z = pipeline.text_encoder(torch.tensor([ids]))[0]
        mean = z.mean()
        z = z * weights[None, :, None]
        result.append(z * (mean / z.mean()))
    return torch.cat(result, dim=1)


def stable_diffusion():
    torch.manual_seed(0)
    words = tokenizer()
    pipeline = StableDiffusionPipeline(
        vae=vae(), text_encoder=text_encoder(CLIPTextModel, words), tokenizer=words, unet=unet(cross_attention_dim=16),
        scheduler=PNDMScheduler(**NOISE, skip_prk_steps=True), safety_checker=None, feature_extractor=None,
        requires_safety_checker=False)
    folder = HERE / "sd"
    save(pipeline, folder)
    schedulers = {
        "ddim": DDIMScheduler(**NOISE, clip_sample=False, set_alpha_to_one=False),
        "euler": EulerDiscreteScheduler(**NOISE),
        "dpm++2m-karras": DPMSolverMultistepScheduler(**NOISE, use_karras_sigmas=True),
        "tcd": TCDScheduler(**NOISE),
        "v-prediction": DDIMScheduler(**NOISE, clip_sample=False, set_alpha_to_one=False, prediction_type="v_prediction"),
    }
    shutil.rmtree(HERE / "schedulers", ignore_errors=True)
    (HERE / "schedulers").mkdir()
    for name, scheduler in schedulers.items():
        (HERE / "schedulers" / f"{name}.json").write_text(scheduler.to_json_string())
    guided = dict(negative_prompt=NEGATIVE, guidance_scale=7.5, num_images_per_prompt=2)
    cases = {"pndm": sampled(pipeline, PROMPT, **guided)}
    own = pipeline.scheduler
    for name, scheduler in schedulers.items():
        pipeline.scheduler = scheduler
        cases[name] = sampled(pipeline, PROMPT, **guided)
    pipeline.scheduler = schedulers["ddim"]
    cases["no-negative"] = sampled(pipeline, PROMPT, guidance_scale=3)
    cases["no-guidance"] = sampled(pipeline, PROMPT, guidance_scale=1)
    cases["clip-skip"] = sampled(pipeline, PROMPT, guidance_scale=5, clip_skip=1)
    # diffusers skips layers for the prompt alone, the web UI for what it is held against too.
    skipped = [pipeline.encode_prompt(text, "cpu", 1, False, clip_skip=1)[0] for text in [PROMPT, NEGATIVE]]
    cases["clip-skip-both"] = sampled(
        pipeline, None, prompt_embeds=skipped[0], negative_prompt_embeds=skipped[1], guidance_scale=5)
    cases["cut"] = sampled(pipeline, LONG, guidance_scale=5)
    cases["prompts"] = sampled(pipeline, PROMPTS, guidance_scale=5, negative_prompt=[NEGATIVE] * 2)
    # "(a red star:1.5) on [blue] BREAK background", against "dark (circle:1.2)" and an empty second chunk.
    states = weighted(pipeline, [[("a red star", 1.5), (" on ", 1.0), ("blue", 1 / 1.1)], [("background", 1.0)]])
    against = weighted(pipeline, [[("dark ", 1.0), ("circle", 1.2)], []])
    cases["weights"] = sampled(
        pipeline, None, prompt_embeds=states, negative_prompt_embeds=against, guidance_scale=5)

    # "a [red star:green triangle:3]": three steps of the one, then the other.
    def change(pipe, step, timestep, values):
        if step + 1 == 3:
            after, _ = pipe.encode_prompt("a green triangle", "cpu", 1, False)
            values["prompt_embeds"] = torch.cat([values["prompt_embeds"][:1], after])
        return values

    cases["changes"] = sampled(
        pipeline, "a red star", guidance_scale=5, callback_on_step_end=change,
        callback_on_step_end_tensor_inputs=["prompt_embeds"])
    pipeline.scheduler = own
    save_file(cases, folder / "expected.safetensors", {"program": PROGRAM})
    return {k: (float(v.std()), float((v - cases["ddim"][: len(v)]).abs().max())) for k, v in cases.items()}


def stable_diffusion_xl():
    torch.manual_seed(1)
    words, second = tokenizer(), tokenizer(pad="!")
    pipeline = StableDiffusionXLPipeline(
        vae=vae(), text_encoder=text_encoder(CLIPTextModel, words), tokenizer=words,
        text_encoder_2=text_encoder(
            CLIPTextModelWithProjection, second, hidden_size=24, num_attention_heads=3, hidden_act="gelu", projection_dim=12),
        tokenizer_2=second,
        unet=unet(cross_attention_dim=40, addition_embed_type="text_time", addition_time_embed_dim=4,
                  projection_class_embeddings_input_dim=12 + 6 * 4, use_linear_projection=True,
                  transformer_layers_per_block=(2, 1)),
        scheduler=EulerDiscreteScheduler(**NOISE), force_zeros_for_empty_prompt=True, add_watermarker=False)
    folder = HERE / "sdxl"
    save(pipeline, folder)
    cases = {
        "negative": sampled(pipeline, PROMPT, negative_prompt=NEGATIVE, guidance_scale=5),
        # No negative prompt is zeros here, and an empty one the states of nothing.
        "no-negative": sampled(pipeline, PROMPT, guidance_scale=5),
        "empty-negative": sampled(pipeline, PROMPT, negative_prompt="", guidance_scale=5),
        "clip-skip": sampled(pipeline, PROMPT, negative_prompt=NEGATIVE, guidance_scale=5, clip_skip=1),
    }
    save_file(cases, folder / "expected.safetensors", {"program": PROGRAM})
    return {k: (float(v.std()), float((v - cases["negative"]).abs().max())) for k, v in cases.items()}


if __name__ == "__main__":
    print(stable_diffusion())
    print(stable_diffusion_xl())
