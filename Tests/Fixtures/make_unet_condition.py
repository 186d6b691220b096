"""Writes Tests/Fixtures/unet-condition: tiny UNet2DConditionModel folders as diffusers saves them, with what PyTorch computes
for them.

Each folder holds config.json and the weights; `case.safetensors` holds the inputs, the output, a target and the loss
against it, and `gradients.safetensors` the gradient of that loss for every parameter.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_unet_condition.py
"""
import pathlib

import diffusers
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "unet-condition"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
CROSS = ("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")

CONFIGS = {
    # Stable Diffusion 1.x: 1x1 convolutions around the transformers, one number of heads for all blocks.
    "sd-1": dict(block_out_channels=(8, 16), cross_attention_dim=12, attention_head_dim=4),
    # 2.x: linear maps, heads a block; a padded text is masked.
    "sd-2": dict(
        block_out_channels=(8, 16), cross_attention_dim=20, attention_head_dim=(2, 4), use_linear_projection=True,
        sample_size=(8, 16)),
    # SDXL: several transformer layers, pooled text and sizes.
    "sdxl": dict(
        block_out_channels=(8, 8, 12), cross_attention_dim=16, attention_head_dim=(2, 2, 4), use_linear_projection=True,
        transformer_layers_per_block=(1, 2, 2), addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 10,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")),
    # The upscaler: noise levels as classes, only cross-attention; nine channels in as for inpainting.
    "upscaler": dict(
        block_out_channels=(8, 8), cross_attention_dim=12, attention_head_dim=2, only_cross_attention=(True, False),
        num_class_embeds=7, in_channels=9, layers_per_block=(2, 1), cross_attention_norm=None,
        resnet_time_scale_shift="scale_shift", mid_block_type="UNetMidBlock2D", act_fn="gelu"),
    # What distilled models and others ask for.
    "others": dict(
        block_out_channels=(8, 12), cross_attention_dim=12, attention_head_dim=(3, 2), time_cond_proj_dim=6,
        class_embed_type="projection", projection_class_embeddings_input_dim=5, encoder_hid_dim=9,
        encoder_hid_dim_type="text_proj", conv_in_kernel=1, conv_out_kernel=5, mid_block_scale_factor=1.3,
        downsample_padding=0, freq_shift=1, flip_sin_to_cos=False, layers_per_block=(2, 1), center_input_sample=True,
        transformer_layers_per_block=[[1, 2], 1], reverse_transformer_layers_per_block=[[1, 1], [2, 1, 1]]),
    "no-middle": dict(
        block_out_channels=(8, 8), cross_attention_dim=8, attention_head_dim=2, mid_block_type=None,
        class_embed_type="simple_projection", projection_class_embeddings_input_dim=5),
    "class-timestep": dict(
        block_out_channels=(8, 8), cross_attention_dim=8, attention_head_dim=2, class_embed_type="timestep",
        time_embedding_dim=24),
}


def main():
    torch.set_num_threads(1)
    for number, (name, config) in enumerate(CONFIGS.items()):
        torch.manual_seed(number)
        config = dict(
            sample_size=8, layers_per_block=1, norm_num_groups=4, down_block_types=CROSS[0], up_block_types=CROSS[1],
            time_embedding_dim=16) | config
        model = UNet2DConditionModel(**config)
        with torch.no_grad():
            # Fresh norms are exactly 1 and 0, which would hide their part in the result.
            for key, parameter in model.named_parameters():
                if "norm" in key:
                    parameter.add_(0.2 * torch.randn_like(parameter))
                elif parameter.dim() == 1:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)

        size = config["sample_size"]
        height, width = size if isinstance(size, tuple) else (size, size)
        sample = torch.randn(2, config.get("in_channels", 4), height, width)
        timesteps = torch.tensor([1, 981])
        text = torch.randn(2, 5, config.get("encoder_hid_dim", config["cross_attention_dim"]))
        inputs, given = {}, {}
        if name == "sd-2":
            given["mask"] = inputs["encoder_attention_mask"] = torch.tensor([[1.0, 1, 1, 0, 0], [1, 0, 1, 1, 1]])
        if name == "sdxl":
            given["pooled"] = torch.randn(2, 10)
            given["sizes"] = torch.tensor([[64.0, 48, 0, 8, 64, 64], [128, 128, 3, 0, 96, 64]])
            inputs["added_cond_kwargs"] = dict(text_embeds=given["pooled"], time_ids=given["sizes"])
        if config.get("num_class_embeds") or config.get("class_embed_type") == "timestep":
            given["labels"] = torch.tensor([2.0, 6])
            inputs["class_labels"] = torch.tensor([2, 6])
        elif config.get("class_embed_type"):
            given["vectors"] = inputs["class_labels"] = torch.randn(2, 5)
        if config.get("time_cond_proj_dim"):
            given["guidance"] = inputs["timestep_cond"] = torch.randn(2, 6)
        output = model(sample, timesteps, text, **inputs).sample
        target = torch.randn_like(output)
        loss = torch.nn.functional.mse_loss(output, target)
        loss.backward()
        case = {"sample": sample, "timesteps": timesteps.float(), "text": text, "output": output.detach(), "target": target,
                "loss": loss.detach()[None]} | given
        save_file({k: v.contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        gradients = {k: p.grad.contiguous() for k, p in model.named_parameters()}
        save_file(gradients, folder / "gradients.safetensors", {"program": PROGRAM})
        for file in folder.iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
