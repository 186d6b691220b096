"""Writes Tests/Fixtures/losses.safetensors and losses.json: training losses and terms of the variational bound, with gradients.

Written from the papers' formulas, in float64 from diffusers' f32 betas; timesteps count from 0, so that L_0 is the decoder's.

    Ho et al. 2020, "Denoising diffusion probabilistic models": equations 4, 5, 7, 13.
    Nichol & Dhariwal 2021, "Improved denoising diffusion probabilistic models": equations 15, 16 (the hybrid loss).
    Hang et al. 2023, "Efficient diffusion training via min-SNR weighting strategy": section 3.4.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_losses.py
"""
import json
import math
import pathlib

import diffusers
import torch
from safetensors.torch import save_file
from torch.distributions import Normal, kl_divergence

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)
torch.set_num_threads(1)
cases, tensors = [], {}


class Process:
    """q and p of a schedule, one row a sample."""

    def __init__(self, schedule, count, prediction):
        scheduler = diffusers.DDPMScheduler(num_train_timesteps=count, beta_schedule=schedule)
        betas, self.f32_abar = scheduler.betas.double(), scheduler.alphas_cumprod.double()
        self.beta, self.abar, self.prediction = betas, torch.cumprod(1 - betas, 0), prediction
        self.abar_before = torch.cat([torch.ones(1, dtype=torch.float64), self.abar[:-1]])
        self.beta_tilde = betas * (1 - self.abar_before) / (1 - self.abar)
        self.beta_tilde[0] = self.beta_tilde[1]  # β̃ is 0 there

    def noisy(self, x0, noise, t):
        return self.abar[t].sqrt() * x0 + (1 - self.abar[t]).sqrt() * noise

    def target(self, x0, noise, t):
        return {"epsilon": noise, "sample": x0,
                "v_prediction": self.abar[t].sqrt() * noise - (1 - self.abar[t]).sqrt() * x0}[self.prediction]

    def picture(self, output, x, t):
        a, s = self.abar[t].sqrt(), (1 - self.abar[t]).sqrt()
        return {"epsilon": (x - s * output) / a, "sample": output, "v_prediction": a * x - s * output}[self.prediction]

    def mean(self, x0, x, t):
        """Of q(x′ | x, x₀): Ho et al., equation 7."""
        before = self.abar_before[t]
        return (before.sqrt() * self.beta[t] * x0 + (1 - self.beta[t]).sqrt() * (1 - before) * x) / (1 - self.abar[t])

    def snr(self, t):
        """As diffusers' compute_snr: of ᾱ as f32 has it."""
        return self.f32_abar[t] / (1 - self.f32_abar[t])

    def bound(self, output, log_variance, x0, x, t):
        """L_t in bits a dimension."""
        mean = self.mean(self.picture(output, x, t), x, t)
        if t == 0:
            upper, lower = ((x0 - mean + side / 255) * torch.exp(-0.5 * log_variance) for side in (1, -1))
            # log(Φ(upper) − Φ(lower)), by symmetry in the tail where Φ is small.
            low, high = torch.where(lower > 0, -upper, lower), torch.where(lower > 0, -lower, upper)
            log_cdf = torch.special.log_ndtr
            inner = log_cdf(high) + torch.log(-torch.expm1(log_cdf(low) - log_cdf(high)))
            log_p = torch.where(x0 > 0.999, log_cdf(-lower), torch.where(x0 < -0.999, log_cdf(upper), inner))
            return -log_p.mean() / math.log(2)
        true = Normal(self.mean(x0, x, t), self.beta_tilde[t].sqrt())
        return kl_divergence(true, Normal(mean, torch.exp(0.5 * log_variance))).mean() / math.log(2)


def huber(d, c):
    return 2 * c * (torch.sqrt(d**2 + c**2) - c)


def case(schedule, count, prediction, timesteps, gamma=None, constant=None, learned=False, weight=0.001):
    p = Process(schedule, count, prediction)
    n, name = len(timesteps), str(len(cases))
    x0 = (torch.randint(0, 256, (n, 3, 4, 4)) / 127.5 - 1)
    x0[:, :, 0, 0], x0[:, :, 0, 1] = -1, 1
    noise = torch.randn(n, 3, 4, 4)
    outputs, losses, bounds, priors = [], [], [], []
    for i, t in enumerate(timesteps):
        clean, eps = x0[i].double(), noise[i].double()
        x, target = p.noisy(clean, eps, t), p.target(clean, eps, t)
        # Near its target, as a network that has learned is.
        output = (target + 0.1 * torch.randn(3, 4, 4)).float()
        if learned:
            output = torch.cat([output, 0.7 * torch.randn(3, 4, 4)])
        output = output.double().requires_grad_()
        outputs.append(output)
        says = output[:3]
        c = None if constant is None else {
            "constant": constant[1], "exponential": constant[1] ** (t / count),
            "snr": (1 - constant[1]) / (1 + p.snr(t).rsqrt()) ** 2 + constant[1]}[constant[0]]
        loss = (huber(says - target, c) if constant else (says - target) ** 2).mean()
        if gamma is not None:
            capped = torch.clamp(p.snr(t), max=gamma)
            loss = loss * {"epsilon": capped / p.snr(t), "sample": capped, "v_prediction": capped / (p.snr(t) + 1)}[prediction]
        if learned:
            v = (output[3:] + 1) / 2
            log_variance = v * p.beta[t].log() + (1 - v) * p.beta_tilde[t].log()
            bound = p.bound(says.detach(), log_variance, clean, x, t)
            bounds.append(bound.detach())
            loss = loss + weight * count * bound
        else:
            bounds.append(p.bound(says.detach(), p.beta_tilde[t].log(), clean, x, t))
        last = Normal(p.abar[-1].sqrt() * clean, (1 - p.abar[-1]).sqrt())
        priors.append(kl_divergence(last, Normal(0, 1)).mean() / math.log(2))
        losses.append(loss)
    gradients = torch.autograd.grad(torch.stack(losses).sum(), outputs)
    stack = lambda list: torch.stack([v.detach() for v in list]).float().contiguous()
    for key, value in {"x0": x0, "noise": noise, "output": stack(outputs), "loss": stack(losses), "bound": stack(bounds),
                       "prior": stack(priors), "gradient": stack(gradients)}.items():
        tensors[f"{name}/{key}"] = value
    cases.append({"schedule": schedule, "count": count, "prediction": prediction, "timesteps": timesteps, "gamma": gamma,
                  "huber": constant and constant[0], "constant": constant and constant[1], "learned": learned,
                  "weight": weight})


SCHEDULES = [("linear", 1000, [0, 1, 2, 300, 999]), ("squaredcos_cap_v2", 1000, [0, 1, 5, 500, 900]),
             ("squaredcos_cap_v2", 10, [0, 1, 4, 7])]
for schedule, count, timesteps in SCHEDULES:
    for prediction in ["epsilon", "sample", "v_prediction"]:
        case(schedule, count, prediction, timesteps)
        case(schedule, count, prediction, timesteps, learned=True)
        case(schedule, count, prediction, timesteps, gamma=5.0)
for kind in ["constant", "exponential", "snr"]:
    case("linear", 1000, "epsilon", [0, 10, 400, 999], constant=(kind, 0.1))
case("squaredcos_cap_v2", 1000, "v_prediction", [0, 10, 400, 990], constant=("snr", 0.01), gamma=1.0, learned=True, weight=0.01)


def flow(count, shift):
    """What diffusers' training scripts of flows take their noise from, here ascending in noise."""
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=count, shift=shift)
    return {"count": count, "shift": shift, "sigmas": scheduler.sigmas.flip(0).tolist(),
            "timesteps": scheduler.timesteps.flip(0).tolist()}


flows = [flow(50, 1.0), flow(50, 3.0), flow(10, 1.7)]

program = f"torch {torch.__version__}, diffusers {diffusers.__version__}"
save_file(tensors, HERE / "losses.safetensors", {"program": program})
(HERE / "losses.json").write_text(json.dumps({"program": program, "cases": cases, "flows": flows}, indent=0))
print(len(cases), "cases")
