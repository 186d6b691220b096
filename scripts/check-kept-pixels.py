"""Whether inpainting leaves known pixels as they are: 1,000 random masks over pictures of 8 and 16 bits, grey, RGB, RGBA and palette.

    python3 scripts/check-kept-pixels.py <program> <model>... [--count 1000] [--prompt TEXT, for models that read one]

Pictures of random samples and of any size from 8 to 48 are inpainted in one step, with each model in turn and with masks of
rectangles, ellipses and scribbles, some feathered, grown, inverted or worked on by themselves (--crop-to-mask). Wherever the
mask is black, the samples of the file that is written must be those of the file that was read. Needs numpy, Pillow and OpenCV
(opencv-python), which reads 16 bits.
"""
import argparse
import pathlib
import subprocess
import tempfile

import cv2
import numpy
from PIL import Image

KINDS = ["grey 8", "grey 16", "rgb 8", "rgb 16", "rgba 8", "rgba 16", "palette 8"]


def picture(kind, random, path):
    width, height = random.integers(8, 49, 2)
    mode, bits = kind.split()
    if mode == "palette":
        image = Image.fromarray(random.integers(0, 16, (height, width), dtype=numpy.uint8), "P")
        image.putpalette(random.integers(0, 256, 48, dtype=numpy.uint8).tobytes())
        return image.save(path)
    channels = {"grey": (), "rgb": (3,), "rgba": (4,)}[mode]
    kind = numpy.uint8 if bits == "8" else numpy.uint16
    cv2.imwrite(str(path), random.integers(0, numpy.iinfo(kind).max, (height, width, *channels), dtype=kind, endpoint=True))


def mask(shape, random):
    height, width = shape
    drawn = numpy.zeros(shape, numpy.uint8)
    points = [tuple(int(v) for v in random.integers(0, [width, height])) for _ in range(6)]
    match random.integers(3):
        case 0: cv2.rectangle(drawn, points[0], points[1], 255, -1)
        case 1: cv2.ellipse(drawn, points[0], tuple(int(v) for v in random.integers(1, 9, 2)), 30, 0, 360, 255, -1)
        case 2: cv2.polylines(drawn, [numpy.array(points)], False, int(random.integers(1, 256)), int(random.integers(1, 4)))
    # Neither all black nor all white.
    drawn[0, 0], drawn[-1, -1] = 0, 255
    return drawn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--prompt")
    asked = parser.parse_args()
    changed = {kind: 0 for kind in KINDS}
    counts = dict(changed)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        case = -1
        while sum(counts.values()) < asked.count:
            case += 1
            random = numpy.random.default_rng(case)
            kind = KINDS[case % len(KINDS)]
            picture(kind, random, folder / "in.png")
            before = cv2.imread(str(folder / "in.png"), cv2.IMREAD_UNCHANGED)
            drawn = mask(before.shape[:2], random)
            cv2.imwrite(str(folder / "mask.png"), drawn)
            options = ["--prompt", asked.prompt] if asked.prompt else []
            if random.random() < 0.3:
                options.append("--invert-mask")
                drawn = 255 - drawn
            if random.random() < 0.3:
                options.append("--crop-to-mask")
            if random.random() < 0.3:
                options += ["--grow", "1"]
                drawn = cv2.dilate(drawn, numpy.ones((3, 3), numpy.uint8))
            if random.random() < 0.2:
                options += ["--feather", "0.7"]
                drawn = cv2.dilate(drawn, numpy.ones((9, 9), numpy.uint8))
            model = asked.models[case % len(asked.models)]
            run = subprocess.run(
                [asked.program, "inpaint", model, folder / "in.png", "--mask", folder / "mask.png", "--steps", "1", "--seed",
                 str(case), "--threads", "1", "--quiet", "--output", folder / "out.png"] + options,
                capture_output=True, text=True)
            if run.returncode != 0 and "white all over" in run.stderr:
                # Nothing is known then.
                continue
            assert run.returncode == 0, run.stderr
            after = cv2.imread(str(folder / "out.png"), cv2.IMREAD_UNCHANGED)
            counts[kind] += 1
            same = before.dtype == after.dtype and before.shape == after.shape
            if not same or not numpy.array_equal(before[drawn == 0], after[drawn == 0]):
                changed[kind] += 1
                print(f"case {case} ({kind}, {' '.join(options)}): known pixels changed")
    for kind in KINDS:
        print(f"{kind:10} {counts[kind]} masks, {changed[kind]} with a known pixel that changed")
    raise SystemExit(any(changed.values()))


if __name__ == "__main__":
    main()
