#!/usr/bin/env python3
"""ONNX Runtime judges what mcompress emits: quantize each real classifier, evaluate by ONNX Runtime, compare our int8 engine with it.

Usage: judge.py MCOMPRESS OUTDIR [MODEL ...]       (all models of the table without names)
Needs MCOMPRESS_ASSETS (models and data) and node with npm's onnxruntime-node (ORT_NODE: its folder). ONNX Runtime evaluates with its exact
kernels (onnxruntime.js says why). Images are decoded and resampled by Pillow here, so the preprocessing of mcompress is judged as well.
Prints a Markdown table; exit code 1 when a limit of the table is missed.
"""
import os
import pathlib
import subprocess
import sys

import numpy as np
import real_data

# model: (its data, least agreement %, least SQNR dB, both by ONNX Runtime against fp32)
MODELS = {
    'mobilenet_v2_torchvision': ('imagenet', 92.44, 14.01),
    'squeezenet1_1_gluon': ('imagenet', 0, 0),
    'mobilenet_v1_025_224': ('imagenet-tf', 0, 0),
    'kws_dscnn_fp32': ('kws', 0, 0),
    'resnet20_cifar10': ('cifar10', 0, 0),
    'resnet32_cifar10': ('cifar10', 0, 0),
    'mlperftiny_resnet8_cifar10': ('cifar10_raw', 0, 0),
}


def judge(tool, name, work):
    dataset, least_agreement, least_sqnr = MODELS[name]
    model, int8 = real_data.ASSETS / f'models/{name}.onnx', work / f'{name}.int8.onnx'
    calibration, flags, rows, labels = real_data.classifier_data(dataset, work)
    more = os.environ.get('JUDGE_FLAGS', '').split()
    subprocess.run([tool, '-q', 'quantize', model, '--data', calibration, *flags, *more, '-o', int8, '--force'], check=True, stdout=subprocess.DEVNULL)
    fp32 = real_data.evaluate(model, rows, work / f'{name}.fp32.npy')
    int8_file = work / f'{name}.int8.npy'
    int8_file.unlink(missing_ok=True)
    judged = real_data.evaluate(int8, rows, int8_file)
    subprocess.run([tool, '-q', 'run', int8, '--data', rows, '-o', work / 'ours.npz', '--force'], check=True, stdout=subprocess.DEVNULL)
    ours = list(np.load(work / 'ours.npz').values())[0].reshape(judged.shape)
    to_fp32, same_as_fp32 = real_data.sqnr_db(fp32, judged), real_data.agreement(fp32, judged)
    sqnr, agreement = real_data.sqnr_db(judged, ours), real_data.agreement(judged, ours)
    ratio = int8.stat().st_size / model.stat().st_size
    # Weights are a quarter of their size; what surrounds them counts in small models.
    good = (ratio <= 0.29 or model.stat().st_size < 1_000_000) and sqnr >= 25 and agreement >= 98 and same_as_fp32 >= least_agreement and to_fp32 >= least_sqnr
    print(f"| {name} | {real_data.top1(fp32, labels):.2f} | {real_data.top1(judged, labels):.2f} | {same_as_fp32:.2f} | {to_fp32:.2f} | {ratio:.3f} | {sqnr:.1f} | "
          f"{agreement:.2f} | {'yes' if good else 'NO'} |", flush=True)
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
