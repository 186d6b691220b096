"""Writes Tests/Fixtures/optim.safetensors: ten steps of PyTorch's AdamW with clipping, and learning rates.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_optim.py
"""
import pathlib

import diffusers
import torch
from diffusers.optimization import get_cosine_schedule_with_warmup
from diffusers.training_utils import EMAModel
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
STEPS = 10


def main():
    torch.manual_seed(0)
    shapes = [(7,), (3, 5), (2, 3, 3, 3)]
    parameters = [torch.nn.Parameter(torch.randn(s)) for s in shapes]
    tensors = {f"start/{i}": p.detach().clone() for i, p in enumerate(parameters)}
    optimizer = torch.optim.AdamW(parameters, lr=1e-2, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.05)
    ema = EMAModel(parameters, decay=0.95)
    for step in range(STEPS):
        for i, p in enumerate(parameters):
            # Norms below and above the limit, so that both cases of clipping occur.
            p.grad = torch.randn_like(p) * (0.05 if step % 3 == 0 else 1.0)
            tensors[f"gradient/{step}/{i}"] = p.grad.clone()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        tensors[f"norm/{step}"] = norm[None]
        optimizer.step()
        ema.step(parameters)
        for i, p in enumerate(parameters):
            tensors[f"parameter/{step}/{i}"] = p.detach().clone()
            tensors[f"average/{step}/{i}"] = ema.shadow_params[i].detach().clone()
    dummy = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=3e-4)
    schedule = get_cosine_schedule_with_warmup(dummy, num_warmup_steps=7, num_training_steps=50)
    rates = []
    for _ in range(50):
        rates.append(schedule.get_last_lr()[0])
        dummy.step()
        schedule.step()
    tensors["rates"] = torch.tensor(rates)
    save_file(tensors, HERE / "optim.safetensors", {"program": f"torch {torch.__version__}, diffusers {diffusers.__version__}"})


if __name__ == "__main__":
    main()
