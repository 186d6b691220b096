"""Writes Tests/Fixtures/schedulers.safetensors and .json: tables and step-by-step trajectories of diffusers' schedulers.

The stand-in for a network is `output = 0.3·x + 0.5·pattern`, with the pattern in the file; noise is injected: step i of a
trajectory uses `noise[i]`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_schedulers.py
"""
import json
import pathlib

import diffusers
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SHAPE = (2, 1, 4, 4)


def trajectory(scheduler, steps, eta, pattern, noise):
    scheduler.set_timesteps(steps)
    x, states = noise[-1], []
    for i, t in enumerate(scheduler.timesteps):
        output = 0.3 * x + 0.5 * pattern
        if isinstance(scheduler, DDIMScheduler):
            extra = {"eta": eta, "variance_noise": noise[i] if eta > 0 else None}
            x = scheduler.step(output, t, x, **extra).prev_sample
        else:
            # The draw is replaced, so that both programs use the same noise.
            module = diffusers.schedulers.scheduling_ddpm
            original, module.randn_tensor = module.randn_tensor, lambda *_, **__: noise[i]
            x = scheduler.step(output, t, x).prev_sample
            module.randn_tensor = original
        states.append(x)
    return torch.stack(states)


def configurations():
    betas = [
        {}, {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        {"beta_schedule": "squaredcos_cap_v2"}, {"beta_schedule": "sigmoid"},
        {"trained_betas": [0.01 + 0.002 * i for i in range(100)], "num_train_timesteps": 100},
        {"beta_schedule": "scaled_linear", "rescale_betas_zero_snr": True, "prediction_type": "v_prediction",
         "timestep_spacing": "trailing"},
        {"rescale_betas_zero_snr": True, "prediction_type": "sample"},
    ]
    for config in betas:
        for spacing in ["leading", "linspace", "trailing"]:
            for steps in [1, 7, 50]:
                yield "DDPMScheduler", {**config, "timestep_spacing": spacing}, steps, 0.0
    for prediction in ["epsilon", "sample", "v_prediction"]:
        for clip in [{}, {"clip_sample": False}, {"clip_sample_range": 0.5},
                     {"thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 1.5}]:
            for variance in ["fixed_small", "fixed_small_log", "fixed_large"]:
                yield "DDPMScheduler", {"prediction_type": prediction, "variance_type": variance, **clip}, 9, 0.0
            for eta in [0.0, 0.5, 1.0]:
                for one in [True, False]:
                    yield "DDIMScheduler", {"prediction_type": prediction, "set_alpha_to_one": one, **clip}, 9, eta
    for spacing in ["leading", "linspace", "trailing"]:
        for steps in [3, 10, 37]:
            config = {"timestep_spacing": spacing, "beta_schedule": "scaled_linear"}
            if spacing == "leading":
                config["steps_offset"] = 1
            yield "DDIMScheduler", config, steps, 0.0
            yield "DDIMScheduler", {**config, "beta_schedule": "squaredcos_cap_v2"}, steps, 0.3


def main():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, *SHAPE, generator=generator)
    pattern = torch.randn(*SHAPE, generator=generator)
    tensors = {"noise": noise, "pattern": pattern}
    cases, tables = [], {}
    for name, config, steps, eta in configurations():
        scheduler = getattr(diffusers, name)(**config)
        key = json.dumps({k: config.get(k) for k in ("beta_schedule", "beta_start", "beta_end", "trained_betas",
                                                     "num_train_timesteps", "rescale_betas_zero_snr")})
        if key not in tables:
            tables[key] = len(tables)
            tensors[f"betas/{tables[key]}"] = scheduler.betas
            tensors[f"alphas_cumprod/{tables[key]}"] = scheduler.alphas_cumprod
        tensors[f"states/{len(cases)}"] = trajectory(scheduler, steps, eta, pattern, noise)
        cases.append({"config": {"_class_name": name, **config}, "steps": steps, "eta": eta, "table": tables[key],
                      "timesteps": scheduler.timesteps.tolist()})
    program = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    save_file(tensors, HERE / "schedulers.safetensors", {"program": program})
    (HERE / "schedulers.json").write_text(json.dumps({"program": program, "cases": cases}, indent=0))
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
