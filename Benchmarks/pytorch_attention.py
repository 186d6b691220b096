"""PyTorch's scaled_dot_product_attention, eight heads of 64, forward and backward, in f32.

    python Benchmarks/pytorch_attention.py attention [--tokens 256] [--batch-size 16] [--threads 2] [--repeats 5]

Prints one line of JSON: median seconds a picture, and the process's peak resident memory.
"""
import torch
from torch.nn.functional import mse_loss, scaled_dot_product_attention

from timing import parse, report


def main():
    options = parse(["attention"])
    # As diffusers calls it: [N, T, C] seen as heads.
    q, k, v, target = (torch.randn(options.batch_size, options.tokens, 512) for _ in range(4))
    for x in (q, k, v):
        x.requires_grad_()

    def heads(x):
        return x.view(options.batch_size, options.tokens, 8, 64).transpose(1, 2)

    def run():
        q.grad = k.grad = v.grad = None
        y = scaled_dot_product_attention(heads(q), heads(k), heads(v), scale=0.125)
        mse_loss(y.transpose(1, 2).reshape(target.shape), target).backward()

    report(run, options)


if __name__ == "__main__":
    main()
