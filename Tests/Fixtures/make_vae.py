"""Writes Tests/Fixtures/vae: tiny AutoencoderKL folders as diffusers saves them, with what PyTorch computes for them.

Each folder holds config.json and the weights; `case.safetensors` holds a picture, the moments of its latents, the noise of
a draw, what that draw decodes to, a target and the loss (squared error against it, plus 1e-3 times the divergence), and a
larger picture with what diffusers' tiling makes of it; `gradients.safetensors` the gradient of that loss for every parameter.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_vae.py
"""
import pathlib

import diffusers
import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "vae"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"


def blocks(*kinds):
    return dict(down_block_types=tuple(f"{k}DownEncoderBlock2D" for k in kinds),
                up_block_types=tuple(f"{k}UpDecoderBlock2D" for k in reversed(kinds)))


CONFIGS = {
    "quant": dict(
        block_out_channels=(8, 16, 16), layers_per_block=1, norm_num_groups=4, sample_size=16, latent_channels=4,
        **blocks("", "", "")),
    # Attention at the lower resolution too, pictures of one channel, and latents that are shifted.
    "no-quant": dict(
        block_out_channels=(8, 12), layers_per_block=2, norm_num_groups=2, sample_size=16, latent_channels=3,
        in_channels=1, out_channels=1, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1,
        scaling_factor=1.5, act_fn="mish", **blocks("", "Attn")),
}


def main():
    torch.set_num_threads(2)
    for number, (name, config) in enumerate(CONFIGS.items()):
        torch.manual_seed(number)
        model = AutoencoderKL(**config)
        with torch.no_grad():
            # Fresh norms are exactly 1 and 0, which would hide their part in the result.
            for key, parameter in model.named_parameters():
                if parameter.dim() == 1:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)

        channels = model.config.in_channels
        picture = torch.rand(2, channels, 16, 24) * 2 - 1
        posterior = model.encode(picture).latent_dist
        noise = torch.randn_like(posterior.mean)
        z = posterior.mean + posterior.std * noise
        decoded = model.decode(z).sample
        target = torch.randn_like(decoded)
        kl = posterior.kl().mean()
        loss = torch.nn.functional.mse_loss(decoded, target) + 1e-3 * kl
        loss.backward()

        model.enable_tiling()
        with torch.no_grad():
            large = torch.rand(1, channels, 24, 40) * 2 - 1
            tiled = model.encode(large).latent_dist.mean
            case = {
                "picture": picture, "mean": posterior.mean, "logvar": posterior.logvar, "noise": noise, "z": z,
                "decoded": decoded, "target": target, "kl": kl[None], "loss": loss[None], "large": large,
                "tiled-mean": tiled, "tiled-decoded": model.decode(tiled).sample}
        save_file({k: v.detach().contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        gradients = {k: p.grad.contiguous() for k, p in model.named_parameters() if p.grad is not None}
        save_file(gradients, folder / "gradients.safetensors", {"program": PROGRAM})
        for file in folder.iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
