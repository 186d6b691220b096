"""How well drawn shapes fill outlines: the mean intersection over union of scripts/check-controlnet.sh.

    python3 scripts/outline-iou.py <outlines> <drawn with control> <drawn without>

The outlines lie in a folder for each class, white on black; what was drawn for one is <class>-<its name>. An outline is filled
with all that cannot be reached from the border without crossing it, but for the hole of a ring. Of a picture those pixels are
the shape whose colour is nearer to the shape's than to the ground's. The ground's is the median along the border, the shape's that
of the pixels which are furthest from it. Needs numpy and Pillow.
"""
import pathlib
import sys

import numpy
from PIL import Image


def reached(open_, start):
    """The pixels of `open_` that can be reached from those of `start` in steps up, down, left and right."""
    found = start & open_
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= open_
        if (grown == found).all():
            return found
        found = grown


def filled(path):
    line = numpy.asarray(Image.open(path).convert("L")) > 127
    border = numpy.ones_like(line)
    border[1:-1, 1:-1] = False
    inside = ~reached(~line, border)
    if path.parent.name == "ring":
        middle = numpy.zeros_like(line)
        middle[tuple(numpy.argwhere(line).mean(axis=0).round().astype(int))] = True
        inside &= ~reached(~line, middle)
    return inside


def drawn(path):
    pixels = numpy.asarray(Image.open(path).convert("RGB"), dtype=float)
    border = numpy.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = numpy.median(border, axis=0)
    distances = numpy.linalg.norm(pixels - ground, axis=2)
    # Pixels that a shape covers whole; those on its edge lie between both colours.
    shape = numpy.median(pixels[distances > 0.8 * distances.max()], axis=0)
    return numpy.linalg.norm(pixels - shape, axis=2) < numpy.linalg.norm(pixels - ground, axis=2)


def main(outlines, *folders):
    paths = sorted(pathlib.Path(outlines).glob("*/*.png"))
    means = []
    for folder in map(pathlib.Path, folders):
        ious = {}
        for path in paths:
            inside, shape = filled(path), drawn(folder / f"{path.parent.name}-{path.name}")
            ious.setdefault(path.parent.name, []).append((inside & shape).sum() / (inside | shape).sum())
        each = numpy.concatenate(list(ious.values()))
        means.append(each.mean())
        print(f"{folder.name:8} IoU {each.mean():.3f} ± {each.std() / len(each) ** 0.5:.3f} over {len(each)} outlines ("
              + ", ".join(f"{name} {numpy.mean(values):.2f}" for name, values in ious.items()) + ")")
    return means


if __name__ == "__main__":
    steered, free = main(*sys.argv[1:4])
    raise SystemExit(not (steered >= 0.8 and free < 0.3))
