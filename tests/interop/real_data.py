"""The real models' data, prepared by Pillow and NumPy alone, and what ONNX Runtime makes of it: shared by judge.py and accuracy/measure_accuracy.py."""
import json
import os
import pathlib
import subprocess

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = pathlib.Path(os.environ.get('MCOMPRESS_ASSETS', ROOT / '../shared/assets'))
DATA = ASSETS / 'data'
ORT_JS = pathlib.Path(__file__).with_name('onnxruntime.js')
TORCH = (np.array([0.485, 0.456, 0.406], np.float32) * np.float32(255), np.array([0.229, 0.224, 0.225], np.float32) * np.float32(255))


def centre_crop(image):
    """The preset imagenet: shorter side 256, the middle 224 x 224."""
    from PIL import Image
    w, h = image.size
    size = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
    image = image if min(w, h) == 256 else image.resize(size, Image.BILINEAR)
    w, h = image.size
    left, top = int(round((w - 224) / 2.0)), int(round((h - 224) / 2.0))
    return image.crop((left, top, left + 224, top + 224))


def squash(width, height):
    from PIL import Image
    return lambda image: image if image.size == (width, height) else image.resize((width, height), Image.BILINEAR)


def letterbox(size):
    """Keeps the aspect ratio, in the upper left corner of a grey square."""
    from PIL import Image

    def fit(image):
        ratio = size / max(image.size)
        square = Image.new('RGB', (size, size), (114, 114, 114))
        square.paste(image.resize((round(image.size[0] * ratio), round(image.size[1] * ratio)), Image.BILINEAR), (0, 0))
        return square
    return fit


def pictures(paths, fit, mean=0.0, std=1.0, bgr=False):
    """[N, 3, H, W] of (pixel - mean) / std."""
    from PIL import Image
    rows = []
    for path in paths:
        pixels = np.asarray(fit(Image.open(path).convert('RGB')), np.float32)
        pixels = (pixels - np.float32(mean)) / np.float32(std)
        rows.append((pixels[..., ::-1] if bgr else pixels).transpose(2, 0, 1))
    return np.stack(rows).astype(np.float32)


def files(folder):
    return sorted(path for path in folder.iterdir() if path.suffix in ('.jpg', '.jpeg', '.JPEG', '.png'))


def labels(folder):
    """Of a folder's pictures, in the order of their names."""
    lines = [line.split() for line in (folder.parent / f'{folder.name}.labels.txt').read_text().splitlines() if line.strip()]
    return np.array([int(index) for _, index in sorted(lines)], np.int64)


def kept(path, make):
    """The array in a .npy file, made on first use."""
    if not path.exists():
        np.save(path, make())
    return path


def classifier_data(dataset, work):
    """(calibration path, mcompress' flags for it, evaluation .npy, labels): the flags and Pillow must agree on what the model is fed."""
    if dataset.startswith('imagenet'):
        mean, std = TORCH if dataset == 'imagenet' else (127.5, 127.5)
        folder = DATA / 'imagenet/eval'
        rows = kept(work / f'{dataset}.npy', lambda: pictures(files(folder), centre_crop, mean, std))
        return DATA / 'imagenet/calib', ['--preset', dataset], rows, labels(folder)
    if dataset.startswith('flowers'):
        kind, size = dataset.split(':')
        mean, std = (0.0, 1.0) if kind == 'flowers-raw' else (127.5, 127.5)
        folder = DATA / 'flowers/eval'
        rows = kept(work / f'{kind}_{size}.npy', lambda: pictures(files(folder), squash(int(size), int(size)), mean, std))
        flags = ['--resize', f'{size}x{size}', '--crop', 'none', '--scale', '1', '--mean', str(mean), '--std', str(std)]
        return DATA / 'flowers/calib', flags, rows, labels(folder)
    if dataset == 'cifar10_raw':
        calibration, rows = (kept(work / f'cifar10_raw_{part}.npy', lambda: np.load(DATA / f'cifar10/{part}_raw_u8.npy').astype(np.float32))
                             for part in ('calib', 'eval'))
        return calibration, [], rows, np.load(DATA / 'cifar10/eval_labels.npy')
    folder = DATA / dataset
    return folder / 'calib.npy', [], folder / 'eval.npy', np.load(folder / 'eval_labels.npy')


def evaluate(model, rows, out):
    """First output of every row by ONNX Runtime; kept for the next run when the model has not changed."""
    if not out.exists() or out.stat().st_mtime < model.stat().st_mtime:
        subprocess.run(['node', ORT_JS, 'eval', model, rows, out], check=True)
    return np.load(out)


def outputs(model, feeds, folder):
    """Every output of every sample by ONNX Runtime: one array [samples, …] an output. `feeds`: name → .npy with an axis of samples in front."""
    names = folder / 'names.json'
    if not names.exists() or names.stat().st_mtime < model.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / 'feeds.json').write_text(json.dumps({name: str(path) for name, path in feeds.items()}))
        printed = subprocess.run(['node', ORT_JS, 'samples', model, folder / 'feeds.json', folder], check=True, capture_output=True, text=True)
        names.write_text(printed.stdout)
    return [np.load(folder / f'{index}.npy') for index in range(len(json.loads(names.read_text())))]


def sqnr_db(reference, candidate):
    reference, candidate = reference.astype(np.float64), candidate.astype(np.float64)
    noise = ((candidate - reference) ** 2).sum()
    return 10 * np.log10((reference ** 2).sum() / noise) if noise > 0 else float('inf')


def agreement(reference, candidate):
    """Per cent of rows with the same largest element."""
    return 100.0 * (reference.argmax(1) == candidate.argmax(1)).mean()


def top1(rows, wanted):
    return 100.0 * (rows.argmax(1) == wanted).mean()
