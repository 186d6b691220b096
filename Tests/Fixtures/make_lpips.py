"""Writes Tests/Fixtures/lpips: LPIPS weights of a narrow VGG-16, two batches of pictures, their distance and its gradient.

LPIPS itself is written out here (Zhang et al. 2018; the keys and constants are those of the package lpips 0.1.4), since the
package only builds networks of full width.

    pip install torch safetensors
    python Tests/Fixtures/make_lpips.py
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "lpips"
STAGES = [([0, 2], 4), ([5, 7], 16), ([10, 12, 14], 16), ([17, 19, 21], 32), ([24, 26, 28], 32)]


def features(x, weights):
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    x = (x - shift) / scale
    for i, (places, _) in enumerate(STAGES):
        if i:
            x = F.max_pool2d(x, 2, 2)
        for place in places:
            key = f"net.slice{i + 1}.{place}"
            x = F.relu(F.conv2d(x, weights[f"{key}.weight"], weights[f"{key}.bias"], padding=1))
        yield x


def unit(x):
    return x / (x.square().sum(1, keepdim=True).sqrt() + 1e-10)


def main():
    torch.manual_seed(0)
    weights, inputs = {}, 3
    for i, (places, width) in enumerate(STAGES):
        for place in places:
            key = f"net.slice{i + 1}.{place}"
            weights[f"{key}.weight"] = torch.randn(width, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
            # Above 0, so that hardly a pixel is zero in all channels: there the gradient of a length is not a number, and
            # only that relu's passes nothing on keeps it out of the result.
            weights[f"{key}.bias"] = torch.rand(width) * 0.2
            inputs = width
        weights[f"lin{i}.model.1.weight"] = torch.rand(1, width, 1, 1)
    weights["scaling_layer.shift"] = torch.zeros(1, 3, 1, 1)  # the package saves it; here it is a constant

    # 26 is halved to 13, 6, 3 and 1: odd sizes are cut.
    x = (torch.rand(2, 3, 32, 26) * 2 - 1).requires_grad_()
    target = torch.rand(2, 3, 32, 26) * 2 - 1
    distance = 0
    for i, (a, b) in enumerate(zip(features(x, weights), features(target, weights))):
        distance = distance + F.conv2d((unit(a) - unit(b)).square(), weights[f"lin{i}.model.1.weight"]).mean((2, 3)).mean()
    distance.backward()

    HERE.mkdir(exist_ok=True)
    metadata = {"made by": f"torch {torch.__version__}"}
    save_file(weights, HERE / "weights.safetensors", metadata=metadata)
    save_file({"x": x.detach(), "target": target, "distance": distance.detach().view(1), "gradient": x.grad},
              HERE / "case.safetensors", metadata=metadata)


if __name__ == "__main__":
    main()
