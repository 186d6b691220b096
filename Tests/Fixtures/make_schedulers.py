"""Writes Tests/Fixtures/schedulers.safetensors and .json: tables and step-by-step trajectories of diffusers' schedulers.

The stand-in for a network is `output = 0.3·x + 0.5·pattern`, with the pattern in the file; noise is injected: step i of a
trajectory uses `noise[i]`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_schedulers.py
"""
import itertools
import json
import pathlib
import sys

import diffusers
import torch
from diffusers import DDIMScheduler, DDPMScheduler, TCDScheduler
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SHAPE = (2, 1, 4, 4)


def trajectory(scheduler, pattern, noise, eta):
    """States after each evaluation. The network's stand-in sees the scaled input, so input scaling is tested too."""
    module = sys.modules[type(scheduler).__module__]
    step = 0

    def randn(*_, **__):
        return noise[step]

    original = getattr(module, "randn_tensor", None)
    if original is not None:
        module.randn_tensor = randn
    x, states = noise[-1] * scheduler.init_noise_sigma if hasattr(scheduler, "init_noise_sigma") else noise[-1], []
    for step, t in enumerate(scheduler.timesteps):
        shown = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        output = 0.3 * shown + 0.5 * pattern
        if learns_variance(scheduler):
            output = torch.cat([output, 0.1 + 0.2 * pattern.abs()], dim=1)
        extra = {"eta": eta} if isinstance(scheduler, (DDIMScheduler, TCDScheduler)) else {}
        x = scheduler.step(output, t, x, **extra).prev_sample
        states.append(x)
    if original is not None:
        module.randn_tensor = original
    return torch.stack(states)


def learns_variance(scheduler):
    return isinstance(scheduler, DDPMScheduler) and str(scheduler.config.get("variance_type")).startswith("learned")


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


def solvers():
    """Everything that works on noise levels, and PNDM and the consistency samplers: name, configuration, call, eta."""
    scaled = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    spacings = ["linspace", "leading", "trailing"]
    for variance in ["learned", "learned_range"]:
        yield "DDPMScheduler", {"variance_type": variance, "prediction_type": "v_prediction"}, 7, 0.0
    yield "DDPMScheduler", {}, {"timesteps": [950, 600, 300, 120, 10]}, 0.0
    for name in ["EulerDiscreteScheduler", "LMSDiscreteScheduler", "HeunDiscreteScheduler", "KDPM2DiscreteScheduler",
                 "KDPM2AncestralDiscreteScheduler", "EulerAncestralDiscreteScheduler"]:
        for spacing in spacings:
            yield name, {**scaled, "timestep_spacing": spacing, "steps_offset": 1 if spacing == "leading" else 0}, 8, 0.0
        yield name, {"prediction_type": "v_prediction"}, 11, 0.0
        if "Ancestral" not in name:
            for key in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]:
                yield name, {**scaled, key: True}, 9, 0.0
            if name != "KDPM2DiscreteScheduler":
                yield name, {"prediction_type": "sample"}, 5, 0.0
    yield "KDPM2AncestralDiscreteScheduler", {**scaled, "use_karras_sigmas": True}, 6, 0.0
    yield "EulerAncestralDiscreteScheduler", {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}, 6, 0.0
    yield "EulerDiscreteScheduler", {**scaled, "interpolation_type": "log_linear"}, 7, 0.0
    yield "EulerDiscreteScheduler", {**scaled, "final_sigmas_type": "sigma_min"}, 7, 0.0
    yield "EulerDiscreteScheduler", {**scaled, "timestep_type": "continuous", "prediction_type": "v_prediction",
                                     "use_karras_sigmas": True, "sigma_min": 0.02, "sigma_max": 20.0}, 7, 0.0
    yield "EulerDiscreteScheduler", scaled, {"timesteps": [980, 700, 350, 40]}, 0.0
    yield "EulerDiscreteScheduler", scaled, {"sigmas": [12.0, 5.0, 1.5, 0.4, 0.0]}, 0.0
    yield "HeunDiscreteScheduler", {"clip_sample": True, "beta_schedule": "exp"}, 6, 0.0
    yield "HeunDiscreteScheduler", scaled, {"timesteps": [980, 700, 350, 40]}, 0.0
    for skip in [True, False]:
        for spacing in spacings:
            yield "PNDMScheduler", {**scaled, "skip_prk_steps": skip, "timestep_spacing": spacing,
                                    "steps_offset": 1 if spacing == "leading" and skip else 0}, 10, 0.0
        yield "PNDMScheduler", {"skip_prk_steps": skip, "set_alpha_to_one": True, "prediction_type": "v_prediction"}, 12, 0.0
    for order in [1, 2, 3]:
        for algorithm in ["dpmsolver++", "dpmsolver", "sde-dpmsolver++", "sde-dpmsolver"]:
            for solver in ["midpoint", "heun"]:
                final = "zero" if algorithm.endswith("++") else "sigma_min"
                config = {**scaled, "solver_order": order, "algorithm_type": algorithm, "solver_type": solver,
                          "final_sigmas_type": final}
                if not (order == 3 and algorithm == "sde-dpmsolver"):
                    yield "DPMSolverMultistepScheduler", config, 9 if solver == "heun" else 17, 0.0
                if algorithm != "sde-dpmsolver":
                    yield "DPMSolverSinglestepScheduler", {**config, "lower_order_final": True}, 9, 0.0
    for name in ["DPMSolverMultistepScheduler", "UniPCMultistepScheduler", "DEISMultistepScheduler"]:
        for spacing in spacings:
            yield name, {**scaled, "timestep_spacing": spacing}, 10, 0.0
        for key in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]:
            yield name, {**scaled, key: True}, 10, 0.0
        for prediction in ["sample", "v_prediction"]:
            yield name, {"prediction_type": prediction}, 10, 0.0
        yield name, {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}, 8, 0.0
        yield name, {"thresholding": True, "dynamic_thresholding_ratio": 0.8, "sample_max_value": 1.5}, 8, 0.0
    yield "DPMSolverMultistepScheduler", {**scaled, "use_lu_lambdas": True}, 9, 0.0
    yield "DPMSolverMultistepScheduler", {**scaled, "euler_at_final": True, "lower_order_final": False}, 9, 0.0
    yield "DPMSolverMultistepScheduler", {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1,
                                          "use_karras_sigmas": True}, 9, 0.0
    yield "DPMSolverMultistepScheduler", {"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1}, 9, 0.0
    yield "DPMSolverMultistepScheduler", {**scaled, "rescale_betas_zero_snr": True, "prediction_type": "v_prediction",
                                          "timestep_spacing": "trailing"}, 9, 0.0
    yield "DPMSolverMultistepScheduler", {**scaled, "algorithm_type": "dpmsolver", "final_sigmas_type": "sigma_min",
                                          "thresholding": True}, 8, 0.0
    yield "DPMSolverMultistepScheduler", scaled, {"timesteps": [990, 700, 400, 150, 20]}, 0.0
    for key in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas"]:
        yield "DPMSolverSinglestepScheduler", {**scaled, key: True}, 7, 0.0
    for steps in [6, 7, 8]:
        yield "DPMSolverSinglestepScheduler", {**scaled, "solver_order": 3}, steps, 0.0
    for order in [1, 2, 3]:
        for solver in ["bh1", "bh2"]:
            for x0 in [True, False]:
                yield "UniPCMultistepScheduler", {**scaled, "solver_order": order, "solver_type": solver, "predict_x0": x0,
                                                  "final_sigmas_type": "zero" if x0 else "sigma_min"}, 8, 0.0
        yield "DEISMultistepScheduler", {**scaled, "solver_order": order}, 8 if order < 3 else 17, 0.0
    yield "UniPCMultistepScheduler", {**scaled, "disable_corrector": [0, 2]}, 8, 0.0
    yield "UniPCMultistepScheduler", {**scaled, "use_karras_sigmas": True, "final_sigmas_type": "sigma_min"}, 8, 0.0
    for prediction in ["epsilon", "sample", "v_prediction"]:
        yield "LCMScheduler", {"prediction_type": prediction}, 4, 0.0
        for gamma in [0.0, 0.3, 1.0]:
            yield "TCDScheduler", {"prediction_type": prediction}, 5, gamma
    yield "LCMScheduler", {"clip_sample": True, "timestep_scaling": 3.0, "original_inference_steps": 100}, 7, 0.0
    yield "LCMScheduler", {}, {"timesteps": [999, 499, 259]}, 0.0
    for name in ["EDMEulerScheduler", "EDMDPMSolverMultistepScheduler"]:
        yield name, {}, 8, 0.0
        yield name, {"prediction_type": "v_prediction", "sigma_schedule": "exponential"}, 8, 0.0
        yield name, {"sigma_data": 1.0, "sigma_max": 20.0, "final_sigmas_type": "sigma_min", "rho": 5.0}, 8, 0.0
    yield "EDMDPMSolverMultistepScheduler", {"solver_order": 3}, 17, 0.0
    yield "EDMDPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++", "solver_type": "heun"}, 9, 0.0
    for shift in [1.0, 3.0]:
        yield "FlowMatchEulerDiscreteScheduler", {"shift": shift}, 7, 0.0
        yield "FlowMatchHeunDiscreteScheduler", {"shift": shift}, 7, 0.0
    for key in ["use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "stochastic_sampling"]:
        yield "FlowMatchEulerDiscreteScheduler", {key: True}, 7, 0.0
    yield "FlowMatchEulerDiscreteScheduler", {"shift": 2.0}, {"sigmas": [1.0, 0.7, 0.3, 0.1]}, 0.0
    # The first level is the last of the table, so that the timestep, cut to a whole one, hangs on numpy's logarithm.
    for name in ["DEISMultistepScheduler", "DPMSolverSinglestepScheduler", "DPMSolverMultistepScheduler",
                 "UniPCMultistepScheduler", "KDPM2DiscreteScheduler", "LMSDiscreteScheduler"]:
        for key in ["use_exponential_sigmas", "use_beta_sigmas"]:
            for beta in ["scaled_linear", "linear"]:
                for total in [100, 150]:
                    yield name, {**scaled, "beta_schedule": beta, key: True, "num_train_timesteps": total}, 3, 0.0


def exact_square_roots():
    """torch takes square roots by MKL, which is off by an ulp on some processors: here each is that of IEEE 754."""
    power, root = torch.Tensor.__pow__, torch.sqrt

    def exact(x):
        return root(x.double()).to(x.dtype)

    torch.Tensor.__pow__ = lambda x, y: exact(x) if isinstance(y, float) and y == 0.5 and x.dtype == torch.float32 else power(x, y)
    torch.Tensor.sqrt = torch.sqrt = exact


def main():
    torch.set_num_threads(2)
    exact_square_roots()
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(64, *SHAPE, generator=generator)
    pattern = torch.randn(*SHAPE, generator=generator)
    tensors = {"noise": noise, "pattern": pattern}
    cases, tables = [], {}
    for name, config, call, eta in itertools.chain(configurations(), solvers()):
        scheduler = getattr(diffusers, name)(**config)
        if isinstance(call, dict):
            call = {k: v for k, v in call.items()}
            scheduler.set_timesteps(**({"num_inference_steps": None} if "Match" not in name else {}), **call)
        else:
            scheduler.set_timesteps(call)
        key = json.dumps({k: config.get(k) for k in ("beta_schedule", "beta_start", "beta_end", "trained_betas",
                                                     "num_train_timesteps", "rescale_betas_zero_snr")}) + (
            name if name.startswith(("Heun", "KDPM2", "LCM", "TCD")) else
            str(getattr(scheduler, "alphas_cumprod", torch.zeros(1))[-1].item() == 2**-24))
        table = None
        if hasattr(scheduler, "betas"):
            if key not in tables:
                tables[key] = len(tables)
                tensors[f"betas/{tables[key]}"] = scheduler.betas
                tensors[f"alphas_cumprod/{tables[key]}"] = scheduler.alphas_cumprod
            table = tables[key]
        case = {"config": {"_class_name": name, **config}, "eta": eta, "table": table,
                "timesteps": [float(t) for t in scheduler.timesteps],
                **({f"given_{k}": v for k, v in call.items()} if isinstance(call, dict) else {"steps": call})}
        # Levels that later steps only interpolate between are the scheduler's own affair.
        if hasattr(scheduler, "sigmas") and not name.startswith(("Heun", "KDPM2", "FlowMatchHeun")) and name not in (
                "DDPMScheduler", "DDIMScheduler"):
            case["levels"] = [float(s) for s in scheduler.sigmas]
        try:
            tensors[f"states/{len(cases)}"] = trajectory(scheduler, pattern, noise, eta)
        except IndexError:
            # diffusers looks its first step up by timestep and takes the second of two equal ones, so it ends too late.
            print("left out, since its first two timesteps are the same:", case["config"])
            continue
        cases.append(case)
    program = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    save_file(tensors, HERE / "schedulers.safetensors", {"program": program})
    (HERE / "schedulers.json").write_text(json.dumps({"program": program, "cases": cases}, indent=0))
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
