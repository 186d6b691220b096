"""Writes Tests/Fixtures/transformer-ops.safetensors: the operations of transformers that read text, with PyTorch's results
and gradients.

Of each case, by its name: the inputs `<name>/in/<input>`, the result `<name>/y`, an upstream gradient `<name>/dy`, and the
gradient of sum(y·dy) for each input as `<name>/d/<input>`.

    pip install torch safetensors
    python Tests/Fixtures/make_transformer_ops.py
"""
import pathlib

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
tensors = {}


def case(name, run, inputs):
    inputs = {k: v.detach().requires_grad_() for k, v in inputs.items()}
    y = run(**inputs)
    dy = torch.randn_like(y)
    for (key, value), gradient in zip(inputs.items(), torch.autograd.grad(y, list(inputs.values()), dy)):
        tensors[f"{name}/in/{key}"], tensors[f"{name}/d/{key}"] = value.detach().clone(), gradient.clone()
    tensors[f"{name}/y"], tensors[f"{name}/dy"] = y.detach().contiguous(), dy.contiguous()


def attention(heads, mask):
    def run(q, k, v):
        split = lambda x: x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
        return F.scaled_dot_product_attention(split(q), split(k), split(v), attn_mask=mask, scale=0.3).transpose(1, 2).flatten(2)

    return run


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    case("geglu", lambda x: F.gelu(x.chunk(2, -1)[1]) * x.chunk(2, -1)[0], {"x": 2 * torch.randn(2, 37, 22)})
    case("quick-gelu", lambda x: x * torch.sigmoid(1.702 * x), {"x": 2 * torch.randn(3, 50)})
    q, k, v = (torch.randn(2, 66, 24) for _ in range(3))
    causal = torch.ones(66, 66, dtype=torch.bool).tril()
    case("causal", attention(2, causal), {"q": q, "k": k, "v": v})
    seen = torch.rand(2, 9) < 0.5
    seen[:, 0] = True
    case("keys", attention(4, seen[:, None, None]), {"q": q, "k": torch.randn(2, 9, 24), "v": torch.randn(2, 9, 24)})
    tensors["keys/seen"] = seen.float()
    both = torch.rand(2, 66) < 0.7
    both[:, 0] = True
    case("both", attention(8, causal & both[:, None, None]), {"q": q, "k": k, "v": v})
    tensors["both/seen"] = both.float()
    labels = torch.tensor([0, 4, 2])
    case("cross-entropy", lambda x: F.cross_entropy(x, labels, reduction="none"), {"x": 20 * torch.randn(3, 5)})
    save_file(tensors, HERE / "transformer-ops.safetensors", {"program": f"torch {torch.__version__}"})


if __name__ == "__main__":
    main()
