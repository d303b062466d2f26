#!/usr/bin/python3
"""Makes this folder: draws the digits, trains the network, writes digits.onnx, the images and their labels.

Needs Debian 12's python3-torch python3-numpy python3-pil and its font packages
    apt-get install --no-install-recommends python3-torch python3-pil python3-numpy fonts-dejavu-core fonts-liberation \
        fonts-freefont-ttf fonts-urw-base35 fonts-lato fonts-roboto fonts-hack fonts-comfortaa fonts-cantarell fonts-inconsolata
Run it as  python3 make_digits.py [FOLDER]  (about six minutes on two cores). Seeded: the images come out the same everywhere
with the same font files; the weights the same on the same CPU type and thread count.
"""
import glob
import os
import shutil
import sys
import warnings

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from torch import nn

SIZE, ZOOM = 32, 3
MEAN, STD = 0.5, 0.25  # after the bytes were scaled by 1/255
TRAIN, TEST, CALIB, EVAL = 24000, 2000, 100, 400
EPOCHS, BATCH, THREADS = 9, 64, 2

FONT_FOLDERS = ["truetype/dejavu", "truetype/liberation", "truetype/freefont", "truetype/lato", "truetype/roboto/unhinted/RobotoTTF",
                "truetype/hack", "truetype/comfortaa", "truetype/inconsolata", "opentype/cantarell", "opentype/urw-base35"]
NOT_FOR_DIGITS = ("D050000L", "StandardSymbols", "Hairline")


def font_files():
    found = []
    for folder in FONT_FOLDERS:
        found += sorted(glob.glob("/usr/share/fonts/%s/*.[to]tf" % folder))
    found = [f for f in found if not any(word in f for word in NOT_FOR_DIGITS)]
    if len(found) < 80:
        raise SystemExit("only %d fonts found: install the packages named at the top of this script" % len(found))
    return found


def draw_digit(rng, fonts, digit, side):
    """A mask of the digit in some font, somewhat sheared and turned, on a square of the given side; 0…255."""
    size = int(side * rng.uniform(0.55, 0.92))
    font = ImageFont.truetype(fonts[rng.integers(len(fonts))], size)
    stroke = int(rng.integers(0, 3))
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    left, top, right, bottom = pen.textbbox((0, 0), str(digit), font=font, stroke_width=stroke)
    pen.text(((side - left - right) / 2, (side - top - bottom) / 2), str(digit), fill=255, font=font, stroke_width=stroke)
    angle, shear = np.deg2rad(rng.uniform(-18, 18)), rng.uniform(-0.25, 0.25)
    wide, high = rng.uniform(0.75, 1.15), rng.uniform(0.85, 1.15)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.array([[1, shear], [0, 1]]) @ np.diag([1 / wide, 1 / high])
    middle = np.array([side / 2, side / 2])
    shift = middle - matrix @ (middle + rng.uniform(-0.1, 0.1, 2) * side)
    return mask.transform((side, side), Image.AFFINE, (*matrix[0], shift[0], *matrix[1], shift[1]), Image.BILINEAR)


def draw_sample(rng, fonts, digit):
    """One 32x32 grey picture: a digit among strokes and parts of neighbours, with changing light, blur and noise."""
    side = SIZE * ZOOM
    ink = np.asarray(draw_digit(rng, fonts, digit, side), np.float32) / 255

    clutter = Image.new("L", (side, side))
    pen = ImageDraw.Draw(clutter)
    for _ in range(rng.integers(0, 4)):
        points = [tuple(p) for p in rng.uniform(-0.1, 1.1, (2, 2)) * side]
        pen.line(points, fill=int(rng.integers(60, 200)), width=int(rng.integers(1, 6)))
    if rng.random() < 0.4:  # a neighbour that reaches into the picture
        other = draw_digit(rng, fonts, rng.integers(10), side)
        clutter.paste(other, (int(rng.choice([-1, 1]) * rng.uniform(0.7, 0.85) * side), 0), other)
    ink = np.maximum(ink, np.asarray(clutter, np.float32) / 255)

    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    paper = rng.uniform(20, 235) + rng.uniform(-35, 35) * x + rng.uniform(-35, 35) * y
    contrast = rng.uniform(35, 150) * (1 if paper.mean() < 128 else -1)
    picture = Image.fromarray(np.clip(paper + contrast * ink, 0, 255).astype(np.uint8))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.1) * ZOOM)).resize((SIZE, SIZE), Image.BOX)
    noisy = np.asarray(picture, np.float32) + rng.normal(0, rng.uniform(2, 22), (SIZE, SIZE))
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def draw_set(seed, count, fonts):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(count) % 10)
    return np.stack([draw_sample(rng, fonts, int(label)) for label in labels]), labels.astype(np.int64)


def conv_bn(inputs, outputs, size, stride=1, groups=1):
    return [nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]


class Digits(nn.Module):
    """conv-bn-relu twice, a residual block, a depthwise-separable block, an expansion, the mean over the map, and a Gemm."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(1, 24, 3), nn.ReLU(), *conv_bn(24, 48, 3, 2), nn.ReLU())
        self.residual = nn.Sequential(*conv_bn(48, 48, 3), nn.ReLU(), *conv_bn(48, 48, 3))
        self.separable = nn.Sequential(*conv_bn(48, 48, 3, 2, groups=48), nn.ReLU6(), *conv_bn(48, 96, 1))
        self.expand = nn.Sequential(*conv_bn(96, 192, 1), nn.ReLU6())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(192, 10)

    def forward(self, x):
        x = self.stem(x)
        x = torch.relu(self.residual(x) + x)
        x = self.expand(self.separable(x))
        return self.classify(torch.flatten(self.pool(x), 1))


def to_input(pictures):
    return ((torch.from_numpy(pictures).float() / 255 - MEAN) / STD).unsqueeze(1)


def right_answers(model, pictures, labels):
    model.eval()
    with torch.no_grad():
        answers = torch.cat([model(part) for part in to_input(pictures).split(200)]).argmax(1).numpy()
    return 100 * float((answers == labels).mean())


def train(pictures, labels):
    model = Digits()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True)
    steps = EPOCHS * (len(labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    x, y = to_input(pictures), torch.from_numpy(labels)
    for epoch in range(EPOCHS):
        model.train()
        total = 0.0
        for rows in torch.randperm(len(y))[: len(y) // BATCH * BATCH].split(BATCH):
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        print("epoch %d: loss %.4f" % (epoch + 1, total / len(y)), flush=True)
    return model.eval()


def export(model, path):
    """Inference semantics, yet every BatchNormalization stays a node: folding it is mcompress' work."""
    warnings.filterwarnings("ignore")
    torch.onnx.export(model, torch.zeros(1, 1, SIZE, SIZE), path, opset_version=13, training=torch.onnx.TrainingMode.PRESERVE,
                      do_constant_folding=False, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}})


def write_images(folder, name, pictures, labels):
    target = os.path.join(folder, name)
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    with open(os.path.join(folder, name + ".labels.txt"), "w") as listing:
        for i, (picture, label) in enumerate(zip(pictures, labels)):
            file = "%03d_%d.png" % (i, label)
            Image.fromarray(picture).save(os.path.join(target, file), optimize=True)
            listing.write("%s %d\n" % (file, label))


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.manual_seed(7)
    torch.set_num_threads(THREADS)
    fonts = font_files()
    print("%d fonts" % len(fonts), flush=True)
    calib, evaluation = draw_set(2, CALIB, fonts), draw_set(3, EVAL, fonts)
    write_images(folder, "calib", *calib)
    write_images(folder, "eval", *evaluation)
    test = draw_set(4, TEST, fonts)
    model = train(*draw_set(1, TRAIN, fonts))
    export(model, os.path.join(folder, "digits.onnx"))
    print("top-1: eval %.2f, calib %.2f, %d more %.2f" % (right_answers(model, *evaluation), right_answers(model, *calib), TEST, right_answers(model, *test)))


if __name__ == "__main__":
    main()
