"""Writes Tests/Fixtures/unet: tiny UNet2DModel folders as diffusers saves them, with what PyTorch computes for them.

Each folder holds config.json and the weights; `case.safetensors` holds the inputs, the output, a target and the loss
against it, and `gradients.safetensors` the gradient of that loss for every parameter.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_unet.py
"""
import pathlib

import diffusers
import torch
from diffusers import UNet2DModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "unet"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"

CONFIGS = {
    "attention-classes": dict(
        sample_size=8, block_out_channels=(16, 32), layers_per_block=1, norm_num_groups=8, attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        num_class_embeds=5),
    "scale-shift-resnet": dict(
        sample_size=8, block_out_channels=(16, 24), layers_per_block=1, norm_num_groups=4, attention_head_dim=4,
        down_block_types=("ResnetDownsampleBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "ResnetUpsampleBlock2D"), resnet_time_scale_shift="scale_shift",
        time_embedding_type="fourier", mid_block_scale_factor=1.5, act_fn="gelu", attn_norm_num_groups=6,
        downsample_type="resnet", upsample_type="resnet"),
    "cifar-like": dict(
        sample_size=16, block_out_channels=(16, 32, 16), layers_per_block=1, norm_num_groups=8,
        attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6,
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D", "UpBlock2D")),
    "skip-fourier": dict(
        sample_size=8, block_out_channels=(32, 32), layers_per_block=1, norm_num_groups=8, attention_head_dim=8,
        down_block_types=("AttnSkipDownBlock2D", "SkipDownBlock2D"), up_block_types=("SkipUpBlock2D", "AttnSkipUpBlock2D"),
        time_embedding_type="fourier", mid_block_scale_factor=2**0.5),
    "timestep-classes": dict(
        sample_size=8, block_out_channels=(16, 16), layers_per_block=1, norm_num_groups=4, attention_head_dim=16,
        down_block_types=("DownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "UpBlock2D"),
        class_embed_type="timestep", act_fn="mish", center_input_sample=True, add_attention=False,
        time_embedding_dim=24, in_channels=2, out_channels=5),
    "learned-time": dict(
        sample_size=8, block_out_channels=(8, 16), layers_per_block=2, norm_num_groups=4, attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D"),
        time_embedding_type="learned", num_train_timesteps=50, mid_block_type=None, act_fn="relu"),
    # 4 divides neither 10 nor 14: attention then works on fewer channels than its block has.
    "uneven-heads": dict(
        sample_size=8, block_out_channels=(10, 14), layers_per_block=1, norm_num_groups=2, attention_head_dim=4,
        down_block_types=("AttnDownBlock2D", "AttnDownBlock2D"), up_block_types=("AttnUpBlock2D", "UpBlock2D")),
}


def main():
    for number, (name, config) in enumerate(CONFIGS.items()):
        torch.manual_seed(number)
        # A narrow time embedding keeps the files small; every other size is as configured.
        model = UNet2DModel(**{"time_embedding_dim": 32} | config)
        with torch.no_grad():
            # Fresh norms are exactly 1 and 0, which would hide their part in the result.
            for key, parameter in model.named_parameters():
                if "norm" in key:
                    parameter.add_(0.2 * torch.randn_like(parameter))
                elif parameter.dim() == 1 and parameter.requires_grad:
                    parameter.add_(0.05 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)

        size, batch = config["sample_size"], 3
        sample = torch.randn(batch, model.config.in_channels, size, size)
        timesteps = torch.tensor([1, 7, 42])
        labels = None
        if model.config.num_class_embeds or model.config.class_embed_type:
            labels = torch.tensor([0, 3, 4])
        output = model(sample, timesteps, class_labels=labels).sample
        target = torch.randn_like(output)
        loss = torch.nn.functional.mse_loss(output, target)
        loss.backward()
        case = {"sample": sample, "timesteps": timesteps.float(), "output": output.detach(), "target": target,
                "loss": loss.detach()[None]}
        if labels is not None:
            case["labels"] = labels.float()
        save_file({k: v.contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        gradients = {k: p.grad.contiguous() for k, p in model.named_parameters() if p.grad is not None}
        save_file(gradients, folder / "gradients.safetensors", {"program": PROGRAM})


if __name__ == "__main__":
    main()
