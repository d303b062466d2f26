#!/usr/bin/env python3
"""ONNX Runtime judges what mcompress emits: quantize each real classifier, evaluate by ONNX Runtime, compare our int8 engine with it.

Usage: judge.py MCOMPRESS OUTDIR [MODEL ...]       (all models of the table without names)
Needs MCOMPRESS_ASSETS (models and data) and node with npm's onnxruntime-node (ORT_NODE: its folder). ONNX Runtime evaluates with its exact
kernels (onnxruntime.js says why). Images are decoded and resampled by Pillow here, so the preprocessing of mcompress is judged as well.
Prints a Markdown table; exit code 1 when a limit of the table is missed.
"""
import os, pathlib, subprocess, sys
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ASSETS = pathlib.Path(os.environ.get('MCOMPRESS_ASSETS', ROOT / '../shared/assets'))
ORT_JS = pathlib.Path(__file__).with_name('onnxruntime.js')
TORCH = (np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32))

# model: (calibration data and flags, evaluation rows, least agreement %, least SQNR dB, both by ONNX Runtime against fp32)
TORCH_FLAGS = ['--preset', 'imagenet']
TF_FLAGS = ['--preset', 'imagenet-tf']
MODELS = {
    'mobilenet_v2_torchvision': ('imagenet', 'torch', TORCH_FLAGS, 92.44, 14.01),
    'squeezenet1_1_gluon': ('imagenet', 'torch', TORCH_FLAGS, 0, 0),
    'mobilenet_v1_025_224': ('imagenet', 'tf', TF_FLAGS, 0, 0),
    'kws_dscnn_fp32': ('kws', None, [], 0, 0),
    'resnet20_cifar10': ('cifar10', None, [], 0, 0),
    'resnet32_cifar10': ('cifar10', None, [], 0, 0),
    'mlperftiny_resnet8_cifar10': ('cifar10_raw', None, [], 0, 0),
}


def images(folder, kind):
    from PIL import Image
    rows = []
    for path in sorted(folder.iterdir()):
        image = Image.open(path).convert('RGB')
        w, h = image.size
        size = (256, int(256 * h / w)) if w <= h else (int(256 * w / h), 256)
        image = image if min(w, h) == 256 else image.resize(size, Image.BILINEAR)
        w, h = image.size
        left, top = int(round((w - 224) / 2.0)), int(round((h - 224) / 2.0))
        x = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
        x = (x / np.float32(255) - TORCH[0]) / TORCH[1] if kind == 'torch' else (x - np.float32(127.5)) / np.float32(127.5)
        rows.append(x.transpose(2, 0, 1))
    return np.stack(rows).astype(np.float32)


def evaluation(dataset, kind, work):
    """(calibration path, evaluation .npy, labels .npy) of a data set."""
    data = ASSETS / 'data'
    if dataset == 'imagenet':
        target, labels = work / f'imagenet_{kind}.npy', work / 'imagenet_labels.npy'
        if not target.exists():
            np.save(target, images(data / 'imagenet/eval', kind))
        lines = [line.split() for line in (data / 'imagenet/eval.labels.txt').read_text().splitlines() if line.strip()]
        np.save(labels, np.array([int(index) for _, index in sorted(lines)], np.int64))
        return data / 'imagenet/calib', target, labels
    if dataset == 'kws':
        return data / 'kws/calib.npy', data / 'kws/eval.npy', data / 'kws/eval_labels.npy'
    if dataset == 'cifar10_raw':
        raw = {}
        for part in ('calib', 'eval'):
            raw[part] = work / f'cifar_raw_{part}.npy'
            if not raw[part].exists():
                np.save(raw[part], np.load(data / f'cifar10/{part}_raw_u8.npy').astype(np.float32))
        return raw['calib'], raw['eval'], data / 'cifar10/eval_labels.npy'
    return data / 'cifar10/calib.npy', data / 'cifar10/eval.npy', data / 'cifar10/eval_labels.npy'


def evaluate(model, rows, out):
    """Outputs of every row by ONNX Runtime; kept for the next run when the model has not changed."""
    if not out.exists() or out.stat().st_mtime < model.stat().st_mtime:
        subprocess.run(['node', ORT_JS, 'eval', model, rows, out], check=True)
    return np.load(out)


def top1(outputs, labels):
    return 100.0 * (outputs.argmax(1) == np.load(labels)).mean()


def measures(reference, candidate):
    reference, candidate = reference.astype(np.float64), candidate.astype(np.float64)
    noise = ((candidate - reference) ** 2).sum()
    sqnr = 10 * np.log10((reference ** 2).sum() / noise) if noise > 0 else float('inf')
    return sqnr, 100.0 * (reference.argmax(1) == candidate.argmax(1)).mean()


def judge(tool, name, work):
    dataset, kind, flags, least_agreement, least_sqnr = MODELS[name]
    model, int8 = ASSETS / f'models/{name}.onnx', work / f'{name}.int8.onnx'
    calibration, rows, labels = evaluation(dataset, kind, work)
    subprocess.run([tool, '-q', 'quantize', model, '--data', calibration, *flags, *os.environ.get('JUDGE_FLAGS', '').split(), '-o', int8, '--force'], check=True, stdout=subprocess.DEVNULL)
    fp32 = evaluate(model, rows, work / f'{name}.fp32.npy')
    int8_file = work / f'{name}.int8.npy'
    int8_file.unlink(missing_ok=True)
    judged = evaluate(int8, rows, int8_file)
    subprocess.run([tool, '-q', 'run', int8, '--data', rows, '-o', work / 'ours.npz', '--force'], check=True, stdout=subprocess.DEVNULL)
    ours = list(np.load(work / 'ours.npz').values())[0]
    to_fp32, same_as_fp32 = measures(fp32, judged)
    sqnr, agreement = measures(judged, ours.reshape(judged.shape))
    ratio = int8.stat().st_size / model.stat().st_size
    # Weights are a quarter of their size; what surrounds them counts in small models.
    good = (ratio <= 0.29 or model.stat().st_size < 1_000_000) and sqnr >= 25 and agreement >= 98 and same_as_fp32 >= least_agreement and to_fp32 >= least_sqnr
    print(f"| {name} | {top1(fp32, labels):.2f} | {top1(judged, labels):.2f} | {same_as_fp32:.2f} | {to_fp32:.2f} | {ratio:.3f} | {sqnr:.1f} | {agreement:.2f} | "
          f"{'yes' if good else 'NO'} |", flush=True)
    return good


def main():
    tool, work = sys.argv[1], pathlib.Path(sys.argv[2])
    work.mkdir(parents=True, exist_ok=True)
    print('| model | fp32 top-1 | int8 top-1 | agreement % | SQNR dB | size ratio | ours vs ORT int8 dB | ours vs ORT agreement % | within limits |')
    print('|---|---|---|---|---|---|---|---|---|', flush=True)
    results = [judge(tool, name, work) for name in sys.argv[3:] or MODELS]
    sys.exit(0 if all(results) else 1)


if __name__ == '__main__':
    main()
