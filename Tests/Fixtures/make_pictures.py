"""Draws the picture fixtures of PicturesTests and TrainingTests into Tests/Fixtures/pictures.

    pip install Pillow numpy && python3 Tests/Fixtures/make_pictures.py

Written with Pillow 13.0.0. Each case is a file as an encoder writes it and, as NAME.rgb, the 8-bit RGB that it
decodes to (rows from the top, interleaved); the README-like list cases.json gives sizes and facts.
"""

import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

OUT = pathlib.Path(__file__).parent / "pictures"
W, H = 13, 9
cases = []


def scene(width=W, height=H):
    """Smooth gradients with one hard-edged bar: no two rows, columns or corners alike."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([255 * x / (width - 1), 255 * y / (height - 1), 128 + 40 * np.sin(x * 0.9 + y)], -1)
    rgb[height // 3, : width // 2] = (250, 20, 30)
    return np.round(rgb).astype(np.uint8)


def case(name, rgb, **facts):
    (OUT / f"{name}.rgb").write_bytes(np.ascontiguousarray(rgb, dtype=np.uint8).tobytes())
    cases.append({"file": name, "width": rgb.shape[1], "height": rgb.shape[0], **facts})


def over(rgba, background=255):
    """RGBA over white, rounded to nearest."""
    rgba = rgba.astype(np.uint32)
    alpha = rgba[..., 3:]
    return (rgba[..., :3] * alpha + background * (255 - alpha) + 127) // 255


def png_chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def raw_png(name, header, rows, extra=b""):
    """A PNG of kinds that Pillow does not write: 16-bit colour, small depths, interlacing."""
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra
    data += png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9)) + png_chunk(b"IEND", b"")
    (OUT / name).write_bytes(data)


def header(bit_depth, color_type, interlace=0):
    return struct.pack(">IIBBBBB", W, H, bit_depth, color_type, 0, 0, interlace)


def packed(values, bits):
    """One row of samples of 1, 2 or 4 bits, first sample in the high bits."""
    text = "".join(format(int(v), f"0{bits}b") for v in values)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[i : i + 8], 2) for i in range(0, len(text), 8))


def pngs():
    rgb = scene()
    y, x = np.mgrid[0:H, 0:W]
    grey = rgb[..., 0]
    alpha = np.round(255 * (x + y) / (W + H - 2)).astype(np.uint8)
    triple = lambda g: np.repeat(np.asarray(g)[..., None], 3, -1)

    Image.fromarray(rgb).save(OUT / "rgb8.png")
    case("rgb8.png", rgb, bitDepth=8)
    Image.fromarray(np.dstack([rgb, alpha])).save(OUT / "rgba8.png")
    case("rgba8.png", over(np.dstack([rgb, alpha])), bitDepth=8, hadAlpha=True)
    Image.fromarray(grey).save(OUT / "grey8.png")
    case("grey8.png", triple(grey), bitDepth=8, wasGrey=True)
    Image.fromarray(np.dstack([grey, alpha]), "LA").save(OUT / "grey-alpha8.png")
    case("grey-alpha8.png", over(np.dstack([triple(grey), alpha])), bitDepth=8, hadAlpha=True, wasGrey=True)

    wide = (x * 5003 + y * 6007) % 65536  # low bytes that matter for rounding
    rgb16 = np.stack([wide, (wide * 3) % 65536, 65535 - wide], -1)
    eight = lambda v: (v * 255 + 32767) // 65535
    raw_png("rgb16.png", header(16, 2), [row.astype(">u2").tobytes() for row in rgb16])
    case("rgb16.png", eight(rgb16), bitDepth=16)
    raw_png("grey16.png", header(16, 0), [row.astype(">u2").tobytes() for row in wide])
    case("grey16.png", triple(eight(wide)), bitDepth=16, wasGrey=True)
    rgba16 = np.dstack([rgb16, (x + y) * 65535 // (W + H - 2)])
    raw_png("rgba16.png", header(16, 6), [row.astype(">u2").tobytes() for row in rgba16])
    case("rgba16.png", over(eight(rgba16)), bitDepth=16, hadAlpha=True)

    for bits in (1, 2, 4):
        top = 2**bits - 1
        values = (x + 2 * y) % (top + 1)
        raw_png(f"grey{bits}.png", header(bits, 0), [packed(row, bits) for row in values])
        case(f"grey{bits}.png", triple(values * 255 // top), bitDepth=bits, wasGrey=True)
        palette = np.array([[(37 * i) % 256, (91 * i + 20) % 256, 255 - 15 * i] for i in range(top + 1)])
        plte = png_chunk(b"PLTE", palette.astype(np.uint8).tobytes())
        raw_png(f"palette{bits}.png", header(bits, 3), [packed(row, bits) for row in values], plte)
        case(f"palette{bits}.png", palette[values], bitDepth=bits)
    alphas = np.array([0, 128, 255, 255])
    plte = png_chunk(b"PLTE", palette[:4].astype(np.uint8).tobytes()) + png_chunk(b"tRNS", bytes([0, 128]))
    values = (x + 2 * y) % 4
    raw_png("palette-trns.png", header(2, 3), [packed(row, 2) for row in values], plte)
    case("palette-trns.png", over(np.dstack([palette[values], alphas[values]])), bitDepth=2, hadAlpha=True)
    trns = png_chunk(b"tRNS", struct.pack(">HHH", *map(int, rgb[2, 3])))
    raw_png("rgb-trns.png", header(8, 2), [row.tobytes() for row in rgb], trns)
    keyed = np.all(rgb == rgb[2, 3], -1)
    case("rgb-trns.png", np.where(keyed[..., None], 255, rgb), bitDepth=8, hadAlpha=True)

    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    rows = [rgb[r, x0::dx].tobytes() for x0, y0, dx, dy in passes for r in range(y0, H, dy) if rgb[r, x0::dx].size]
    raw_png("interlaced.png", header(8, 2, interlace=1), rows)
    case("interlaced.png", rgb, bitDepth=8)

    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(rgb).save(OUT / "exif6.png", exif=exif)
    case("exif6.png", np.rot90(rgb, -1), bitDepth=8, orientation=6)

    info = PngInfo()
    info.add_text("Comment", "caf\u00e9, na\u00efve")
    info.add_text("Compressed", "squeezed " * 40, zip=True)
    info.add_itxt("Title", "\u6697\u5ba4 \U0001f4f7", "ja")
    info.add_text("parameters", 'a "cat", sat\nSteps: 20, Sampler: Euler a, Seed: 7, Size: 512x512')
    Image.fromarray(rgb).save(OUT / "texts.png", pnginfo=info)
    case("texts.png", rgb, bitDepth=8)


def jpegs():
    big = scene(40, 24)
    image = Image.fromarray(big)

    def jpeg(name, image, stored=None, **facts):
        options = facts.pop("options", {})
        image.save(OUT / name, quality=92, **options)
        # Pillow's decoder is libjpeg-turbo too, so colours agree but for its own version's rounding.
        decoded = np.asarray(Image.open(OUT / name).convert("RGB")) if stored is None else stored
        case(name, decoded, bitDepth=8, **facts)

    jpeg("ycc444.jpg", image, options={"subsampling": 0})
    jpeg("ycc420.jpg", image, options={"subsampling": 2})
    jpeg("progressive.jpg", image, options={"progressive": True})
    jpeg("grey.jpg", image.convert("L"), wasGrey=True)
    jpeg("cmyk.jpg", image.convert("CMYK"), wasCMYK=True)
    # Stored upright in `stored`, each file turned so that its orientation tag turns it back.
    upright = big
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright, 1), 7: upright[::-1, ::-1].swapaxes(0, 1),
        8: np.rot90(upright, -1),
    }
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif.endian = ">" if orientation % 2 else "<"
        exif[0x010F] = "A camera"
        exif[0x0112] = orientation
        data = exif.tobytes()
        assert data[6:8] == (b"MM" if orientation % 2 else b"II"), data[:8]
        name = f"exif{orientation}.jpg"
        Image.fromarray(np.ascontiguousarray(pixels)).save(OUT / name, quality=100, subsampling=0, exif=data)
        case(name, upright, bitDepth=8, orientation=orientation)


def web_ui_jpeg():
    """A JPEG with `parameters` as AUTOMATIC1111's web UI keeps them: EXIF's UserComment, UNICODE, big-endian UTF-16."""
    text = "a \u732b\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5"
    exif = Image.Exif()
    exif.endian = ">"
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + text.encode("utf_16_be")
    Image.fromarray(scene(8, 8)).save(OUT / "parameters.jpg", quality=80, exif=exif)


def resizes():
    source = scene(37, 23)
    # Noise beside gradients: overshoot and clamping matter there.
    source[12:, 20:] = np.random.default_rng(5).integers(0, 256, source[12:, 20:].shape)
    image = Image.fromarray(source)
    image.save(OUT / "resize-source.png")
    filters = {"box": Image.Resampling.BOX, "bicubic": Image.Resampling.BICUBIC}
    for name, filter in filters.items():
        for width, height in [(8, 8), (16, 5), (74, 46), (37, 11), (50, 23), (1, 1), (5, 60)]:
            resized = np.asarray(image.resize((width, height), filter))
            (OUT / f"resize-{name}-{width}x{height}.rgb").write_bytes(resized.tobytes())


OUT.mkdir(exist_ok=True)
pngs()
jpegs()
web_ui_jpeg()
resizes()
(OUT / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
