#!/usr/bin/env python3
"""Writes pictures and what Pillow makes of them, for tests/data/pillow_test.cpp.

pillow_expectations.py OUT [FOLDER]: OUT/manifest.txt has lines "picture color width height filter expected.raw"; a line whose filter is
"imagenet" expects float32 [3,224,224] of torchvision's usual preprocessing. Pictures of FOLDER are used too. Exit 77: no Pillow here.
"""
import os
import sys

try:
    import numpy
    from PIL import Image
except ImportError as error:
    print(error)
    sys.exit(77)

FILTERS = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3, "box": 4, "hamming": 5}
SIZES = [(64, 48), (31, 77), (256, 192), (200, 37), (97, 61), (1, 1), (97, 20), (40, 61)]


def synthetic(width, height, seed):
    random = numpy.random.RandomState(seed)
    y, x = numpy.mgrid[0:height, 0:width]
    channels = [(x * (seed + 2) + y * 3 * (c + 1)) % 256 for c in range(3)]
    pixels = numpy.stack(channels, axis=2)
    noise = random.randint(0, 256, pixels.shape)
    return Image.fromarray(numpy.where(random.rand(height, width, 1) < 0.4, noise, pixels).astype(numpy.uint8), "RGB")


def save_pictures(out):
    color = synthetic(97, 61, 1)
    smooth = synthetic(20, 14, 2).resize((97, 61), 3)
    gray = color.convert("L")
    alpha = synthetic(97, 61, 3).convert("L")
    names = []

    def save(image, name, **options):
        image.save(os.path.join(out, name), **options)
        names.append(name)

    for quality in (30, 75, 95):
        for subsampling in (0, 1, 2):
            save(color if quality == 75 else smooth, f"q{quality}s{subsampling}.jpg", quality=quality, subsampling=subsampling)
    save(smooth, "progressive.jpg", progressive=True, quality=80)
    save(gray, "gray.jpeg")
    save(color.convert("CMYK"), "cmyk.jpg")
    save(color, "rgb.png")
    save(gray, "gray.png")
    save(color.convert("1"), "bits.png")
    save(color.convert("P", palette=Image.ADAPTIVE, colors=200), "palette.png")
    save(color.convert("P", palette=Image.ADAPTIVE, colors=4), "palette2.png", bits=2)
    save(color.convert("P", palette=Image.ADAPTIVE, colors=100), "transparent_palette.png", transparency=5)
    save(Image.merge("LA", (gray, alpha)), "gray_alpha.png")
    save(Image.merge("RGBA", (*color.split(), alpha)), "rgba.png")
    save(color, "transparent_color.png", transparency=(10, 20, 30))
    save(synthetic(1, 1, 4), "one.png")
    save(synthetic(2, 301, 5), "tall.png")
    return names


def short_side(size, side):
    width, height = size
    return (side, int(side * height / width)) if width <= height else (int(side * width / height), side)


def imagenet(image):
    image = image.convert("RGB")
    image = image.resize(short_side(image.size, 256), 2)
    left, top = int(round((image.width - 224) / 2.0)), int(round((image.height - 224) / 2.0))
    pixels = numpy.asarray(image.crop((left, top, left + 224, top + 224)))
    values = pixels.transpose(2, 0, 1).astype(numpy.float32) / numpy.float32(255)
    mean = numpy.array([0.485, 0.456, 0.406], numpy.float32)[:, None, None]
    std = numpy.array([0.229, 0.224, 0.225], numpy.float32)[:, None, None]
    return (values - mean) / std


def main():
    out = sys.argv[1]
    lines = []

    def expect(path, color, width, height, name, content):
        expected = f"{len(lines)}.raw"
        with open(os.path.join(out, expected), "wb") as file:
            file.write(content)
        lines.append(f"{path} {color} {width} {height} {name} {expected}\n")

    for number, picture in enumerate(save_pictures(out)):
        path = os.path.join(out, picture)
        for color in ("RGB", "L"):
            image = Image.open(path).convert(color)
            expect(path, color, *image.size, "bilinear", image.tobytes())
            for at, (name, value) in enumerate(sorted(FILTERS.items())):
                for step in (0, 1, 2):
                    size = SIZES[(number + at + 3 * step) % len(SIZES)]
                    expect(path, color, *size, name, image.resize(size, value).tobytes())
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    for number, name in enumerate(sorted(os.listdir(folder)) if folder else []):
        path = os.path.join(folder, name)
        image = Image.open(path)
        if number % 5 == 0:
            size = [(320, 320), (640, 480), (161, 143)][number // 5 % 3]
            filter_name = ["bilinear", "bicubic", "lanczos", "nearest"][number // 5 % 4]
            expect(path, "RGB", *size, filter_name, image.convert("RGB").resize(size, FILTERS[filter_name]).tobytes())
        expect(path, "RGB", 224, 224, "imagenet", imagenet(image).astype("<f4").tobytes())
    with open(os.path.join(out, "manifest.txt"), "w", encoding="utf-8") as file:
        file.writelines(lines)


main()
