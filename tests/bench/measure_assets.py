#!/usr/bin/env python3
"""Measures our engine against ONNX Runtime on every real model of the assets that has stored inputs, and prints the table of docs/performance.md.

    measure_assets.py BIN WORK [--threads 1] [--seconds S] [--int8] [--only NAME,…]

BIN is the folder of mcompress and bench_engine; WORK keeps inputs, and with --int8 the quantized models (effort fast, on the stored inputs: timings need no better
calibration; models that are quantized already, that take no float input or cannot be quantized are left out). Needs MCOMPRESS_ASSETS, ORT_NODE and NumPy. Run it on a machine that does nothing else.
"""
import argparse
import os
import pathlib
import subprocess
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / 'accuracy')]
import against_onnxruntime  # noqa: E402
import onnx_graph  # noqa: E402


def stored_inputs(folder, work):
    """The .npy files of a test_data_set folder's inputs, in order."""
    files = []
    for path in sorted(folder.glob('input_*.pb'), key=lambda path: int(path.stem[6:])):
        files.append(work / f'{folder.parent.name}.{path.stem}.npy')
        if not files[-1].exists():
            np.save(files[-1], onnx_graph.tensor(path.read_bytes())[1])
    return [str(file) for file in files]


def quantized(mcompress, model, inputs, work):
    target = work / (model.stem + '.int8.onnx')
    if len(inputs) != 1:
        return None
    if not target.exists():
        done = subprocess.run([mcompress, '-q', 'quantize', model, '--data', inputs[0], '--effort', 'fast', '--allow-unfit-data', '-o', target],
                              capture_output=True, text=True)
        if done.returncode:
            print(f'{model.stem} left out: {done.stderr.strip().splitlines()[0]}', file=sys.stderr)
            return None
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('bin', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--seconds', type=float, default=1.0)
    parser.add_argument('--int8', action='store_true')
    parser.add_argument('--only')
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    assets = pathlib.Path(os.environ['MCOMPRESS_ASSETS'])
    print('| model | ours ms | ONNX Runtime ms | ratio |\n|---|---|---|---|')
    for model in sorted((assets / 'models').glob('*.onnx')):
        folder = assets / 'expected' / model.stem / 'test_data_set_0'
        if not folder.is_dir() or (options.only and model.stem not in options.only.split(',')):
            continue
        inputs = stored_inputs(folder, options.work)
        if options.int8:
            model = None if model.stem.startswith('q_') else quantized(options.bin / 'mcompress', model, inputs, options.work)
        if not model or not inputs:
            continue
        r = against_onnxruntime.measure(str(options.bin / 'bench_engine'), str(model), inputs, options.threads, options.seconds)
        print(f"| {model.stem} | {r['ours_ms']:.3f} | {r['ort_ms']:.3f} | **{r['ratio']:.2f}** |", flush=True)


if __name__ == '__main__':
    main()
