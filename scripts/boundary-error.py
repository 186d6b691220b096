"""How well what is painted into holes meets what is around them: `--method blend` against `--method repaint` over 100 fixed cases.

    python3 scripts/boundary-error.py <program> <model of shapes, such as scripts/demo.sh leaves> [cases]

The pictures are fresh ones of `darkroom data draw-shapes`, brought to the model's 16x16; the hole of each is a rectangle of 5 to 8
pixels a side. The model is told the picture's class. Of each method the table has, in 255ths and averaged over all cases, the
error in the hole's outermost pixels, which touch known ones, and in the whole hole, against the picture that was drawn; the
deviation is that of the mean. Needs numpy and Pillow.
"""
import pathlib
import subprocess
import sys
import tempfile

import numpy
from PIL import Image

# The last asks the network as often as the second.
METHODS = {
    "blend, 25 steps": ["--steps", "25"],
    "blend, 85 steps": ["--steps", "85"],
    "repaint, 25 steps, jumps of 5, gone 4 times": [
        "--steps", "25", "--method", "repaint", "--jump-length", "5", "--resamplings", "4"],
}


def main(program, model, cases=100):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run(
            [program, "data", "draw-shapes", folder / "shapes", "--count", str(cases), "--seed", "77"], check=True,
            capture_output=True)
        errors = {method: ([], []) for method in METHODS}
        for case, path in enumerate(sorted((folder / "shapes").rglob("*.png"))[:cases]):
            truth = Image.open(path).convert("RGB").resize((16, 16), Image.Resampling.BOX)
            truth.save(folder / "picture.png")
            truth = numpy.asarray(truth, dtype=float)
            random = numpy.random.default_rng(case)
            w, h = random.integers(5, 9, 2)
            x, y = random.integers(2, 14 - w + 1), random.integers(2, 14 - h + 1)
            hole = numpy.zeros((16, 16), bool)
            hole[y:y + h, x:x + w] = True
            inner = numpy.zeros_like(hole)
            inner[y + 1:y + h - 1, x + 1:x + w - 1] = True
            for method, options in METHODS.items():
                subprocess.run(
                    [program, "inpaint", model, folder / "picture.png", "--mask-box", f"{x},{y},{w},{h}", "--class",
                     path.parent.name, "--sampler", "ddim", "--eta", "1", "--seed", str(case), "--threads", "1", "--quiet",
                     "--output", folder / "result.png"] + options, check=True)
                off = numpy.abs(numpy.asarray(Image.open(folder / "result.png").convert("RGB"), dtype=float) - truth)
                assert off[~hole].max() == 0, "a known pixel changed"
                errors[method][0].append(off[hole & ~inner].mean())
                errors[method][1].append(off[hole].mean())
        print("| method | border of the hole | whole hole |\n| --- | --- | --- |")
        for method, (border, whole) in errors.items():
            values = [f"{numpy.mean(v):.1f} ± {numpy.std(v) / len(v) ** 0.5:.1f}" for v in (border, whole)]
            print(f"| {method} | {values[0]} | {values[1]} |")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:4]))
