"""Writes Tests/Fixtures/begun.safetensors and .json: trajectories of diffusers' schedulers that begin in the middle, as its
image-to-image pipelines begin them: an image noised to the level of a step, then every step from there.

The stand-in for a network is `output = 0.3·shown + 0.5·pattern`; evaluation v of a trajectory, counted from its own
beginning, uses `noise[v]`, and the image is noised with `noise[-1]`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_begun.py
"""
import json
import pathlib
import sys

import diffusers
import torch
from diffusers import DDIMScheduler, LMSDiscreteScheduler, TCDScheduler
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SHAPE = (1, 1, 2, 4)
STEPS = 12


def configurations():
    """Each class, in the settings whose history matters: configuration and eta."""
    scaled = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
    yield "DDPMScheduler", {"clip_sample": False}, 0.0
    yield "DDIMScheduler", {**scaled, "clip_sample": False, "steps_offset": 1}, 0.0
    yield "DDIMScheduler", {"prediction_type": "v_prediction"}, 0.7
    yield "PNDMScheduler", {**scaled, "skip_prk_steps": True, "steps_offset": 1}, 0.0
    yield "LCMScheduler", scaled, 0.0
    yield "TCDScheduler", scaled, 0.3
    for name in ["EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler",
                 "LMSDiscreteScheduler", "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler"]:
        yield name, scaled, 0.0
    yield "EulerDiscreteScheduler", {**scaled, "use_karras_sigmas": True, "prediction_type": "v_prediction"}, 0.0
    for name in ["DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "UniPCMultistepScheduler",
                 "DEISMultistepScheduler"]:
        solver = {**scaled, "lower_order_final": True}
        for order in [2, 3]:
            yield name, {**solver, "solver_order": order}, 0.0
        yield name, {**solver, "use_karras_sigmas": True, "prediction_type": "v_prediction"}, 0.0
    yield "DPMSolverMultistepScheduler", {**scaled, "algorithm_type": "sde-dpmsolver++"}, 0.0
    yield "UniPCMultistepScheduler", {"prediction_type": "flow_prediction", "use_flow_sigmas": True, "flow_shift": 3.0}, 0.0
    yield "FlowMatchEulerDiscreteScheduler", {"shift": 3.0}, 0.0
    yield "FlowMatchHeunDiscreteScheduler", {"shift": 3.0}, 0.0
    yield "EDMEulerScheduler", {}, 0.0
    for order in [2, 3]:
        yield "EDMDPMSolverMultistepScheduler", {"solver_order": order}, 0.0


def begin(scheduler, step):
    """The timesteps from a step on, as `StableDiffusionImg2ImgPipeline.get_timesteps` has them."""
    first = step * scheduler.order
    if isinstance(scheduler, LMSDiscreteScheduler):
        # Its order follows the index of the step, so that it would leave out slopes which it has weights for. What it
        # gives for a schedule that is the rest of this one has the right weights.
        scheduler.sigmas = scheduler.sigmas[first:]
        scheduler.timesteps = scheduler.timesteps[first:]
        return first, scheduler.timesteps
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(first)
    return first, scheduler.timesteps[first:]


def trajectory(scheduler, timesteps, image, pattern, noise, eta):
    module = sys.modules[type(scheduler).__module__]
    visit = 0
    original = getattr(module, "randn_tensor", None)
    if original is not None:
        module.randn_tensor = lambda *_, **__: noise[visit]
    noised = scheduler.scale_noise if hasattr(scheduler, "scale_noise") else None
    x = noised(image, timesteps[:1], noise[-1]) if noised else scheduler.add_noise(image, noise[-1], timesteps[:1])
    states = [x]
    for visit, t in enumerate(timesteps):
        shown = scheduler.scale_model_input(x, t) if hasattr(scheduler, "scale_model_input") else x
        extra = {"eta": eta} if isinstance(scheduler, (DDIMScheduler, TCDScheduler)) else {}
        x = scheduler.step(0.3 * shown + 0.5 * pattern, t, x, **extra).prev_sample
        states.append(x)
    if original is not None:
        module.randn_tensor = original
    return torch.stack(states).float()


def main():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(26, *SHAPE, generator=generator)
    image, pattern = torch.rand(*SHAPE, generator=generator) * 2 - 1, torch.randn(*SHAPE, generator=generator)
    tensors, cases = {"noise": noise, "image": image, "pattern": pattern}, []
    for name, config, eta in configurations():
        for step in range(3, STEPS, 3):
            scheduler = getattr(diffusers, name)(**config)
            scheduler.set_timesteps(STEPS)
            first, timesteps = begin(scheduler, step)
            tensors[f"states/{len(cases)}"] = trajectory(scheduler, timesteps, image, pattern, noise, eta)
            cases.append({"config": {"_class_name": name, **config}, "eta": eta, "steps": STEPS, "first": first,
                          "timesteps": [float(t) for t in timesteps]})
    program = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
    save_file(tensors, HERE / "begun.safetensors", {"program": program})
    (HERE / "begun.json").write_text(json.dumps({"program": program, "cases": cases}, indent=0))
    print(len(cases), "cases of", len({case["config"]["_class_name"] for case in cases}), "classes")


if __name__ == "__main__":
    main()
