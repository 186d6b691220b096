"""Writes Tests/Fixtures/ops.safetensors and ops.json: every operation, with PyTorch's result and gradients.

A case has inputs `<n>/in/<name>`, the result `<n>/y`, an upstream gradient `<n>/dy`, and the gradient of sum(y·dy) for each
input as `<n>/d/<name>`.

    pip install torch diffusers safetensors
    python Tests/Fixtures/make_ops.py
"""
import json
import pathlib

import diffusers
import torch
import torch.nn.functional as F
from diffusers.models.downsampling import downsample_2d
from diffusers.models.upsampling import upsample_2d
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
torch.manual_seed(0)
cases, tensors = [], {}


def case(op, run, inputs, **parameters):
    n = len(cases)
    inputs = {k: v.detach().requires_grad_() for k, v in inputs.items()}
    y = run(**inputs)
    dy = torch.randn_like(y)
    gradients = torch.autograd.grad(y, list(inputs.values()), dy)
    for (name, value), gradient in zip(inputs.items(), gradients):
        tensors[f"{n}/in/{name}"] = value.detach().clone().contiguous()
        tensors[f"{n}/d/{name}"] = gradient.clone().contiguous()
    tensors[f"{n}/y"], tensors[f"{n}/dy"] = y.detach().contiguous(), dy.contiguous()
    cases.append({"op": op, "inputs": list(inputs), "parameters": parameters})


def randn(*shape):
    return torch.randn(*shape)


def convolutions():
    # Channels that are and are not multiples of the vector width, Winograd's 3×3 at stride 1, odd sizes.
    for n, c, o, k, stride, pads, h, w in [
            (2, 3, 16, 3, 1, (1, 1, 1, 1), 8, 8), (1, 16, 32, 3, 1, (1, 1, 1, 1), 8, 8),
            (3, 32, 32, 3, 1, (1, 1, 1, 1), 7, 5), (2, 32, 3, 3, 1, (1, 1, 1, 1), 6, 6),
            (2, 20, 24, 3, 1, (1, 1, 1, 1), 5, 7), (2, 16, 16, 3, 2, (1, 1, 1, 1), 8, 8),
            (2, 16, 16, 3, 2, (0, 0, 1, 1), 8, 8), (1, 8, 8, 3, 2, (0, 0, 1, 1), 6, 6),
            (2, 16, 32, 1, 1, (0, 0, 0, 0), 4, 4), (2, 12, 5, 1, 1, (0, 0, 0, 0), 3, 5),
            (1, 32, 48, 3, 1, (1, 1, 1, 1), 4, 4), (1, 6, 6, 5, 1, (2, 2, 2, 2), 7, 7), (1, 48, 16, 3, 1, (1, 1, 1, 1), 2, 2)]:
        top, left, bottom, right = pads
        def run(x, weight, bias, stride=stride, pads=(left, right, top, bottom)):
            return F.conv2d(F.pad(x, pads), weight, bias, stride=stride)
        case("conv2D", run, {"x": randn(n, c, h, w), "weight": randn(o, c, k, k) / (c * k * k)**0.5, "bias": randn(o)},
             stride=stride, padding=[top, left, bottom, right])
    case("conv2D-adding", lambda x, weight, bias, residual: F.conv2d(x, weight, bias, padding=1) + residual,
         {"x": randn(2, 16, 6, 6), "weight": randn(16, 16, 3, 3) / 12, "bias": randn(16), "residual": randn(2, 16, 6, 6)})
    case("conv2D-plain", lambda x, weight: F.conv2d(x, weight), {"x": randn(2, 16, 4, 4), "weight": randn(16, 16, 1, 1)})


def norms():
    # Groups that cross blocks of sixteen channels, and channel counts that are no multiple of them.
    for c, groups, h, w in [(32, 8, 5, 7), (24, 8, 4, 4), (48, 4, 3, 3), (96, 32, 4, 4), (6, 3, 5, 5), (16, 1, 4, 4)]:
        for act, function in [("identity", lambda v: v), ("silu", F.silu), ("mish", F.mish), ("gelu", F.gelu)]:
            def run(x, weight, bias, groups=groups, function=function):
                return function(F.group_norm(x, groups, weight, bias, 1e-5))
            case("groupNorm", run, {"x": randn(2, c, h, w) + 0.5, "weight": randn(c), "bias": randn(c)}, groups=groups,
                 epsilon=1e-5, activation=act)
    for c, groups in [(32, 8), (48, 4), (10, 5)]:
        def shifted(x, weight, bias, shift, groups=groups):
            return F.silu(F.group_norm(x + shift[:, :, None, None], groups, weight, bias, 1e-6))
        case("groupNorm-shift", shifted, {"x": randn(3, c, 4, 5), "weight": randn(c), "bias": randn(c), "shift": randn(3, c)},
             groups=groups, epsilon=1e-6)
        def modulated(x, weight, bias, scale, offset, groups=groups):
            y = F.group_norm(x, groups, weight, bias, 1e-6)
            return F.silu(y * (1 + scale[:, :, None, None]) + offset[:, :, None, None])
        case("groupNorm-modulation", modulated, {"x": randn(3, c, 4, 5), "weight": randn(c), "bias": randn(c),
             "scale": randn(3, c), "offset": randn(3, c)}, groups=groups, epsilon=1e-6)
    case("groupNorm", lambda x, weight, bias: F.group_norm(x, 4, weight, bias, 1e-5),
         {"x": randn(2, 8, 6), "weight": randn(8), "bias": randn(8)}, groups=4, epsilon=1e-5, activation="identity")
    case("layerNorm", lambda x, weight, bias: F.layer_norm(x, (40,), weight, bias, 1e-6),
         {"x": randn(2, 35, 40), "weight": randn(40), "bias": randn(40)}, epsilon=1e-6)
    case("layerNorm-plain", lambda x: F.layer_norm(x, (24,), None, None, 1e-6), {"x": randn(2, 3, 24)}, epsilon=1e-6)


def products():
    for rows, inner, out in [((1,), 16, 8), ((5,), 33, 20), ((2, 7), 24, 48)]:
        case("linear", F.linear, {"input": randn(*rows, inner), "weight": randn(out, inner), "bias": randn(out)})
    case("linear-plain", F.linear, {"input": randn(3, 8), "weight": randn(5, 8)})
    for n, t, s, c, heads in [(1, 16, 16, 32, 1), (2, 33, 33, 24, 3), (2, 100, 17, 16, 2), (1, 1, 70, 8, 1)]:
        def run(q, k, v, heads=heads):
            split = lambda a: a.unflatten(-1, (heads, -1)).transpose(1, 2)
            return F.scaled_dot_product_attention(split(q), split(k), split(v), scale=0.3).transpose(1, 2).flatten(2)
        case("attention", run, {"q": randn(n, t, c), "k": randn(n, s, c), "v": randn(n, s, c)}, heads=heads, scale=0.3)
    case("embedding", lambda table: F.embedding(torch.tensor([2, 0, 2, 4]), table), {"table": randn(5, 6)}, indices=[2, 0, 2, 4])


def elementwise():
    x = lambda: {"x": randn(2, 16, 3, 5)}
    for act, function in [("silu", F.silu), ("gelu", F.gelu), ("relu", F.relu), ("mish", F.mish),
                          ("gelu-approximate", lambda v: F.gelu(v, approximate="tanh"))]:
        case("activated", lambda x, f=function: f(x), x(), activation=act)
    pair = lambda: {"a": randn(2, 6, 3, 5), "b": randn(2, 6, 3, 5)}
    case("add", lambda a, b: a + b, pair())
    case("subtract", lambda a, b: a - b, pair())
    case("multiply", lambda a, b: a * b, pair())
    case("scale", lambda x: -1.7 * x, x(), factor=-1.7)
    case("offset", lambda x: x + 0.4, x(), offset=0.4)
    case("combination", lambda a, b, c: 0.5 * a - 2 * b + 3 * c, {**pair(), "c": randn(2, 6, 3, 5)}, factors=[0.5, -2, 3])
    case("combination-per-sample", lambda a, b: torch.tensor([1.0, -2.0]).view(2, 1, 1, 1) * a
         + torch.tensor([0.5, 3.0]).view(2, 1, 1, 1) * b, pair(), a=[1, -2], b=[0.5, 3])
    case("clamp", lambda x: x.clamp(-0.5, 0.8), x(), low=-0.5, high=0.8)
    case("addingChannels", lambda x, t: x + t[:, :, None, None], {**x(), "t": randn(2, 16)})
    case("sum", lambda x: x.sum()[None], x())
    case("meanSquaredError", lambda a: ((a - TARGET) ** 2).mean()[None], {"a": randn(2, 6, 3, 5)})
    tensors["target"] = TARGET
    case("meanSquaredError-weighted", lambda a: (torch.tensor([0.3, 2.0]).view(2, 1, 1, 1) * (a - TARGET) ** 2).mean()[None],
         {"a": randn(2, 6, 3, 5)}, weights=[0.3, 2.0])


def shapes():
    for c in [16, 6]:
        case("tokens", lambda x: x.flatten(2).transpose(1, 2), {"x": randn(2, c, 3, 5)})
        case("featureMap", lambda x: x.transpose(1, 2).unflatten(2, (3, 5)), {"x": randn(2, 15, c)}, height=3, width=5)
        case("upsampledNearest", lambda x: F.interpolate(x, scale_factor=2.0, mode="nearest"), {"x": randn(2, c, 3, 5)})
        case("averagePooled", lambda x: F.avg_pool2d(x, 2, 2), {"x": randn(2, c, 4, 6)})
        case("firUpsampled", lambda x: upsample_2d(x, torch.tensor([1.0, 3.0, 3.0, 1.0])), {"x": randn(2, c, 4, 6)})
        case("firDownsampled", lambda x: downsample_2d(x, torch.tensor([1.0, 3.0, 3.0, 1.0])), {"x": randn(2, c, 4, 6)})
        case("concatenatedChannels", lambda a, b: torch.cat([a, b], 1), {"a": randn(2, c, 3, 3), "b": randn(2, 32, 3, 3)})
        case("splitChannels", lambda x, c=c: torch.split(x, [c, 16], 1)[1], {"x": randn(2, c + 16, 3, 3)}, sizes=[c, 16])
    case("splitChannels", lambda x: torch.split(x, [4, 8], 1)[1], {"x": randn(3, 12)}, sizes=[4, 8])
    case("reshaped", lambda x: x.reshape(4, 24), {"x": randn(2, 16, 1, 3)}, shape=[4, 24])
    case("rows", lambda x: x[1:3], {"x": randn(4, 6, 2, 2)}, first=1, last=3)
    case("stacked", lambda a, b: torch.cat([a, b], 0), {"a": randn(2, 6, 2, 2), "b": randn(1, 6, 2, 2)})


def tokens():
    # 33 tokens are more than the 32 that are taken at a time; 20 channels are no multiple of a vector.
    for t, d in [(33, 20), (7, 48)]:
        pair = lambda: {"scale": randn(2, d), "shift": randn(2, d)}
        case("modulatedLayerNorm", lambda x, scale, shift, d=d:
             F.layer_norm(x, (d,), None, None, 1e-6) * (1 + scale[:, None]) + shift[:, None], {"x": randn(2, t, d), **pair()},
             epsilon=1e-6)
        case("modulatedLayerNorm-affine", lambda x, scale, shift, weight, bias, d=d:
             F.layer_norm(x, (d,), weight, bias, 1e-5) * (1 + scale[:, None]) + shift[:, None],
             {"x": randn(2, t, d), **pair(), "weight": randn(d), "bias": randn(d)}, epsilon=1e-5)
        case("adding-gated", lambda x, y, gate: x + gate[:, None] * y, {"x": randn(2, t, d), "y": randn(2, t, d), "gate": randn(2, d)})
        case("adding-each", lambda x, each: x + each, {"x": randn(2, t, d), "each": randn(t, d)})
    for p, h, w in [(2, 4, 6), (3, 6, 3), (1, 2, 3)]:
        case("patches", lambda x, p=p: F.unfold(x, p, stride=p).transpose(1, 2), {"x": randn(2, 5, h, w)}, sizes=[p])
        def picture(x, p=p, h=h, w=w):
            x = x.reshape(2, h // p, w // p, p, p, 5)
            return torch.einsum("nhwpqc->nchpwq", x).reshape(2, 5, h, w)
        case("picture", picture, {"x": randn(2, h * w // p**2, 5 * p * p)}, height=h, width=w, sizes=[p])


def gaussians():
    noise = randn(2, 4, 3, 5)
    tensors["noise"] = noise
    pair = lambda: {"mean": randn(2, 4, 3, 5), "logVariance": randn(2, 4, 3, 5)}
    case("gaussianSample", lambda mean, logVariance: mean + torch.exp(0.5 * logVariance) * noise, pair())
    case("gaussianDivergence", lambda mean, logVariance: 0.5 * (mean**2 + logVariance.exp() - 1 - logVariance).sum()[None] / 2,
         pair())
def losses():
    weights = [0.3, 2.0, 1.0, 0.0]
    case("weightedMean", lambda x: ((torch.tensor(weights) * x).sum() / 4)[None], {"x": randn(4)}, weights=weights)
    case("squaredErrors", lambda a: ((a - TARGET) ** 2).mean((1, 2, 3)), {"a": randn(2, 6, 3, 5)})
    c = [0.1, 1.5]
    huber = torch.tensor(c).view(2, 1, 1, 1)
    # As `conditional_loss` of diffusers' train_text_to_image.py has it.
    case("pseudoHuberErrors", lambda a: (2 * huber * (torch.sqrt((a - TARGET) ** 2 + huber**2) - huber)).mean((1, 2, 3)),
         {"a": randn(2, 6, 3, 5)}, constants=c)

    # Two terms of KL and two of the decoder. Pixels at both ends; errors from far below a pixel's width to tails in which
    # a cumulative probability is 0 in any precision; hence log_ndtr and float64.
    x0 = (torch.randint(0, 256, (4, 3, 3, 5)) / 127.5 - 1)
    x0[2:, 0, 0, :2], x0[2:, 0, 0, 2:4] = -1, 1
    error = randn(4, 3, 3, 5) * torch.tensor([0.5, 0.01, 0.02, 0.5]).view(4, 1, 1, 1)
    factors, variances = [0.3, 0.01], [-3.0, -9.0]
    tensors["variational/error"], tensors["variational/x0"] = error, x0

    def divergence(logVariance):
        scale = lambda list: torch.tensor(list, dtype=torch.float64).view(2, 1, 1, 1)
        v, e = logVariance.double(), error[:2].double()
        kl = torch.distributions.kl_divergence(
            torch.distributions.Normal(torch.zeros_like(e), torch.exp(0.5 * scale(variances)).expand_as(e)),
            torch.distributions.Normal(scale(factors) * e, torch.exp(0.5 * v)))
        return kl.mean((1, 2, 3)).float()

    def decoder(rows):
        def run(logVariance):
            v, e, x = logVariance.double(), error[rows].double(), x0[rows].double()
            upper, lower = ((-e + side / 255) * torch.exp(-0.5 * v) for side in (1, -1))
            # By symmetry in the tail where a cumulative probability is small.
            low, high = torch.where(lower > 0, -upper, lower), torch.where(lower > 0, -lower, upper)
            log_cdf = torch.special.log_ndtr
            inner = log_cdf(high) + torch.log(-torch.expm1(log_cdf(low) - log_cdf(high)))
            nll = -torch.where(x > 0.999, log_cdf(-lower), torch.where(x < -0.999, log_cdf(upper), inner))
            return nll.mean((1, 2, 3)).float()
        return run

    def log_variance(*means):
        return {"logVariance": randn(len(means), 3, 3, 5) * 0.5 + torch.tensor(means).view(-1, 1, 1, 1)}

    case("variationalTerms", divergence, log_variance(-3.0, -9.0), first=0, last=2, factors=factors, variances=variances)
    case("variationalTerms", decoder(slice(2, 3)), log_variance(-8.0), first=2, last=3)
    case("variationalTerms", decoder(slice(3, 4)), log_variance(-6.0), first=3, last=4)


def pooling():
    # 5×7 leaves a row and a column out, which have no gradient.
    for c in [16, 6]:
        case("maxPooled", lambda x: F.max_pool2d(x, 2, 2), {"x": randn(2, c, 5, 7)})


TARGET = randn(2, 6, 3, 5)
convolutions()
norms()
products()
elementwise()
shapes()
tokens()
gaussians()
losses()
pooling()
program = f"torch {torch.__version__}, diffusers {diffusers.__version__}"
save_file(tensors, HERE / "ops.safetensors", {"program": program})
(HERE / "ops.json").write_text(json.dumps({"program": program, "cases": cases}, indent=0))
print(len(cases), "cases")
