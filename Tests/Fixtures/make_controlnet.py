"""Writes Tests/Fixtures/controlnet: tiny ControlNetModel folders as diffusers saves them, with what PyTorch computes for them.

Each folder holds config.json and the weights; `case.safetensors` holds the inputs, every residual, those of guess mode, targets
and the loss against them, and `gradients.safetensors` the gradient of that loss for every parameter.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_controlnet.py
"""
import pathlib

import diffusers
import torch
from diffusers import ControlNetModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "controlnet"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"

CONFIGS = {
    "sd-1": dict(
        block_out_channels=(8, 16), down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), cross_attention_dim=12,
        attention_head_dim=2, conditioning_embedding_out_channels=(8, 12), layers_per_block=2),
    "sdxl": dict(
        block_out_channels=(8, 8), down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), cross_attention_dim=12,
        attention_head_dim=(2, 4), use_linear_projection=True, transformer_layers_per_block=(1, 2),
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 10,
        conditioning_embedding_out_channels=(8,), conditioning_channels=4, layers_per_block=1),
    "bgr": dict(
        block_out_channels=(8,), down_block_types=("DownBlock2D",), cross_attention_dim=12, attention_head_dim=2,
        conditioning_embedding_out_channels=(8, 8, 8), controlnet_conditioning_channel_order="bgr", layers_per_block=1),
}


def main():
    torch.set_num_threads(1)
    for number, (name, config) in enumerate(CONFIGS.items()):
        torch.manual_seed(number)
        model = ControlNetModel(**dict(norm_num_groups=4) | config)
        with torch.no_grad():
            # Fresh norms are exactly 1 and 0 and zero convolutions 0, which would hide their part in the result.
            for key, parameter in model.named_parameters():
                if "norm" in key or key.startswith(("controlnet_down", "controlnet_mid", "controlnet_cond_embedding.conv_out")):
                    parameter.add_(0.2 * torch.randn_like(parameter))
                elif parameter.dim() == 1:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)

        sample, timesteps, text = torch.randn(2, 4, 8, 8), torch.tensor([1, 981]), torch.randn(2, 5, 12)
        side = 8 * 2 ** (len(config["conditioning_embedding_out_channels"]) - 1)
        image = torch.rand(2, config.get("conditioning_channels", 3), side, side)
        added, given = None, {}
        if name == "sdxl":
            given = {"pooled": torch.randn(2, 10), "sizes": torch.tensor([[64.0, 48, 0, 8, 64, 64], [128, 128, 3, 0, 96, 64]])}
            added = dict(text_embeds=given["pooled"], time_ids=given["sizes"])
        run = lambda **options: model(sample, timesteps, text, image, added_cond_kwargs=added, return_dict=False, **options)
        down, middle = run(conditioning_scale=1.0)
        with torch.no_grad():
            guessed, guessed_middle = run(conditioning_scale=0.7, guess_mode=True)
        outputs = [*down, middle]
        targets = [torch.randn_like(x) for x in outputs]
        loss = sum(torch.nn.functional.mse_loss(x, t) for x, t in zip(outputs, targets))
        loss.backward()
        case = {"sample": sample, "timesteps": timesteps.float(), "text": text, "image": image, "loss": loss[None]} | given
        for i, (x, g, t) in enumerate(zip(outputs, [*guessed, guessed_middle], targets)):
            case[f"residual-{i}"], case[f"guessed-{i}"], case[f"target-{i}"] = x, g, t
        save_file({k: v.detach().contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        # Keys that no residual depends on have none.
        gradients = {k: torch.zeros_like(p) if p.grad is None else p.grad.contiguous() for k, p in model.named_parameters()}
        save_file(gradients, folder / "gradients.safetensors", {"program": PROGRAM})
        for file in folder.iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
