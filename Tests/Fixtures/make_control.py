"""Edges that OpenCV's Canny finds, for PicturesTests, into Tests/Fixtures/control.

    pip install opencv-python-headless==5.0.0 numpy && python3 Tests/Fixtures/make_control.py

Written with OpenCV 5.0.0. NAME.png is the picture, in RGB; NAME-APERTURE-NORM-LOW-HIGH.png the edges, 1 bit a pixel.
"""

import pathlib

import cv2
import numpy as np

OUT = pathlib.Path(__file__).parent / "control"
OUT.mkdir(exist_ok=True)
random = np.random.default_rng(12)


def smooth(height, width, sigma):
    field = cv2.GaussianBlur(random.normal(size=(height, width, 3)), (0, 0), sigma)
    return np.clip(128 + field * (60 / field.std()), 0, 255).astype(np.uint8)


def shapes():
    image = smooth(61, 70, 6)
    cv2.circle(image, (30, 30), 18, (250, 20, 30), -1, cv2.LINE_AA)
    cv2.line(image, (3, 57), (66, 5), (20, 230, 90), 2, cv2.LINE_AA)
    cv2.rectangle(image, (45, 35), (60, 52), (0, 0, 0), 1)
    return image


pictures = {
    "shapes": shapes(),
    "smooth": smooth(40, 33, 2.0),
    "noise": random.integers(0, 256, (23, 31, 3)).astype(np.uint8),
    "stark": (random.integers(0, 2, (17, 19, 1)) * 255).astype(np.uint8).repeat(3, 2),
    "strip": random.integers(0, 256, (1, 40, 3)).astype(np.uint8),
}
thresholds = {3: [(100, 200), (33.7, 80.2)], 5: [(900, 1500)], 7: [(20000, 42000.5)]}
for name, image in pictures.items():
    cv2.imwrite(str(OUT / f"{name}.png"), image[..., ::-1])
    for aperture, pairs in thresholds.items():
        for low, high in pairs:
            for norm, l2 in [("l1", False), ("l2", True)]:
                edges = cv2.Canny(image, low, high, apertureSize=aperture, L2gradient=l2)
                file = OUT / f"{name}-{aperture}-{norm}-{low}-{high}.png"
                cv2.imwrite(str(file), edges, [cv2.IMWRITE_PNG_BILEVEL, 1])
                print(file.name, int((edges > 0).sum()), "of", edges.size)
