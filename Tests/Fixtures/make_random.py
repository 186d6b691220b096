"""Writes Tests/Fixtures/random.safetensors: values of PyTorch's CPU generator.

Whole tensors for small sizes; for large ones every 97th value, the last seventeen and the sum. `sequence` is a series
of draws of mixed sizes from one generator, which shows the state that is left between calls.

    pip install torch safetensors
    python Tests/Fixtures/make_random.py
"""
import pathlib

import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SIZES = [*range(1, 66), 100, 127, 1000, 1023, 4096, 12_345, 65_536, 99_999, 100_000]
SEQUENCE = [3, 16, 1, 20, 15, 15, 1, 5, 48, 2]


def main():
    tensors = {}
    for size in SIZES:
        generator = torch.Generator("cpu").manual_seed(1234 + size)
        values = torch.randn(size, generator=generator)
        if size <= 1000:
            tensors[f"randn/{size}"] = values
        else:
            tensors[f"strided/{size}"] = torch.cat([values[::97], values[-17:]])
            tensors[f"sum/{size}"] = values.double().sum()[None].float()
    generator = torch.Generator("cpu").manual_seed(7)
    tensors["sequence"] = torch.cat([torch.randn(n, generator=generator) for n in SEQUENCE])
    tensors["sequence_sizes"] = torch.tensor(SEQUENCE).float()
    tensors["rand"] = torch.rand(40, generator=torch.Generator("cpu").manual_seed(2**40 + 5))
    save_file(tensors, HERE / "random.safetensors", {"program": f"torch {torch.__version__}"})


if __name__ == "__main__":
    main()
