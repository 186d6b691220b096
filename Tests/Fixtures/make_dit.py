"""Writes Tests/Fixtures/dit: tiny DiTTransformer2DModel folders as diffusers saves them, with what PyTorch computes for them.

Each folder holds config.json and the weights; `case.safetensors` holds the inputs, the output, a target and the loss
against it, and `gradients.safetensors` the gradient of that loss for every parameter.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_dit.py
"""
import pathlib

import diffusers
import torch
from diffusers import DiTTransformer2DModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "dit"
PROGRAM = f"diffusers {diffusers.__version__}, torch {torch.__version__}"

CONFIGS = {
    "learned-sigma": dict(
        num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=8, num_layers=2, sample_size=8,
        patch_size=2, num_embeds_ada_norm=5, norm_eps=1e-6),
    # No biases in attention, affine norms, another activation, one patch of which is a quarter of the picture.
    "affine-patch4": dict(
        num_attention_heads=1, attention_head_dim=32, in_channels=3, num_layers=2, sample_size=8, patch_size=4,
        num_embeds_ada_norm=3, norm_elementwise_affine=True, attention_bias=False, activation_fn="gelu"),
}


def main():
    torch.set_num_threads(2)
    for number, (name, config) in enumerate(CONFIGS.items()):
        torch.manual_seed(number)
        model = DiTTransformer2DModel(**config).eval()  # in training it would drop labels at random
        with torch.no_grad():
            # Fresh norms are exactly 1 and 0, which would hide their part in the result.
            for key, parameter in model.named_parameters():
                if parameter.dim() == 1:
                    parameter.add_(0.1 * torch.randn_like(parameter))
        folder = HERE / name
        model.save_pretrained(folder)

        classes = config["num_embeds_ada_norm"]
        sample = torch.randn(3, config["in_channels"], 8, 8)
        # The picture of another size has its positions stretched over the trained ones.
        large = torch.randn(3, config["in_channels"], 16, 16)
        timesteps, labels = torch.tensor([1, 70, 999]), torch.tensor([0, classes - 1, classes])
        with torch.no_grad():
            output_large = model(large, timestep=timesteps, class_labels=labels).sample
        output = model(sample, timestep=timesteps, class_labels=labels).sample
        target = torch.randn_like(output)
        loss = torch.nn.functional.mse_loss(output, target)
        loss.backward()
        case = {"sample": sample, "timesteps": timesteps.float(), "labels": labels.float(), "output": output.detach(),
                "large": large, "output-large": output_large, "target": target, "loss": loss.detach()[None]}
        save_file({k: v.contiguous() for k, v in case.items()}, folder / "case.safetensors", {"program": PROGRAM})
        gradients = {k: p.grad.contiguous() for k, p in model.named_parameters() if p.grad is not None}
        save_file(gradients, folder / "gradients.safetensors", {"program": PROGRAM})
        for file in folder.iterdir():
            file.chmod(0o644)


if __name__ == "__main__":
    main()
