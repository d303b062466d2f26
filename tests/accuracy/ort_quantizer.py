#!/usr/bin/env python3
"""Stand-ins for ONNX Runtime's quantizers, which need Python packages that are not everywhere: what they do, written down and checked.

    ort_quantizer.py static  MODEL WORK FEEDS.json    WORK/MODEL.ort.{min-max,percentile}.onnx; {"input": "file.npy", …}: an axis of samples in front
    ort_quantizer.py dynamic MODEL WORK               WORK/MODEL.ort.{tensor,channel}.onnx: scales of MatMul's and LSTM's weights
    ort_quantizer.py check   WORK [NAME,…]            against what ONNX Runtime's own quantizers gave: figures (static), a model (dynamic)

Needs node with npm's onnxruntime-node (ORT_NODE: its folder), NumPy and Pillow.
"""
import json
import pathlib
import subprocess
import sys

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/interop'))
import real_data  # noqa: E402
from onnx_graph import Model  # noqa: E402
from ort_dynamic import quantize_dynamic  # noqa: E402
from ort_static import quantize_static  # noqa: E402

OBSERVE = pathlib.Path(__file__).with_name('observe.js')

# model: (data, (agreement %, SQNR dB) of MinMax and of Percentile 99.999) by ONNX Runtime's own quantizer, evaluated by ONNX Runtime 1.30
KNOWN = {
    'mobilenet_v2_torchvision': ('imagenet', (92.44, 14.01), (93.11, 15.82)),
    'squeezenet1_1_gluon': ('imagenet', (93.89, 31.73), (94.44, 32.58)),
    'mobilenet_v1_025_224': ('imagenet-tf', (78.00, 12.70), (77.33, 12.76)),
    'kws_dscnn_fp32': ('kws', (98.67, 29.63), (99.11, 30.99)),
    'resnet20_cifar10': ('cifar10', (98.30, 27.38), (98.00, 27.75)),
    'resnet32_cifar10': ('cifar10', (97.90, 27.00), (98.20, 27.15)),
    'mlperftiny_resnet8_cifar10': ('cifar10_raw', (95.90, 28.94), (96.90, 29.02)),
    'stm_efficientnet_lc_v1_224_flowers': ('flowers:224', (98.40, 20.71), (98.00, 21.10)),
}


def observe(*arguments):
    done = subprocess.run(['node', OBSERVE, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"observe.js {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def opset(model):
    return Model.read(model).opsets.get('', 1)


def prepared(model, work):
    """The model as ONNX Runtime's preprocessing leaves it, which names the type of every value."""
    path = work / f'{model.stem}.basic.onnx'
    observe('basic', model, path)
    return path


def observed(basic, feeds, work):
    """What its calibration sees of every float value."""
    graph = Model.read(basic)
    names = graph.inputs + [name for node in graph.nodes for name in node.outputs if name]
    graph.extra_outputs = [name for name in names if name not in graph.outputs + graph.inputs]
    path = work / f'{basic.stem}.observed.onnx'
    graph.write(path)
    for file, content in (('feeds', {name: str(npy) for name, npy in feeds.items()}), ('names', names)):
        (work / f'{basic.stem}.{file}.json').write_text(json.dumps(content))
    return json.loads(observe('ranges', path, work / f'{basic.stem}.feeds.json', work / f'{basic.stem}.names.json'))


def static(model, feeds, work):
    """Method → its model."""
    basic = prepared(model, work)
    ranges = observed(basic, feeds, work)
    return written(model, work, {method: quantize_static(basic, ranges, method) for method in ('min-max', 'percentile')})


def dynamic(model, work):
    """Granularity of weights → its model."""
    basic = prepared(model, work)
    return written(model, work, {granularity: quantize_dynamic(basic, granularity) for granularity in ('tensor', 'channel')})


def written(model, work, graphs):
    paths = {variant: work / f'{model.stem}.ort.{variant}.onnx' for variant in graphs}
    for variant, graph in graphs.items():
        graph.write(paths[variant])
    return paths


def calibration_rows(dataset, work):
    """[N, …] of a classifier's calibration samples, as real_data feeds the evaluation."""
    calibration, flags, *_ = real_data.classifier_data(dataset, work)
    if not calibration.is_dir():
        return calibration
    if dataset.startswith('imagenet'):
        how, fit = real_data.TORCH if dataset == 'imagenet' else (127.5, 127.5), real_data.centre_crop
    else:
        kind, size = dataset.split(':')
        how, fit = (0.0, 1.0) if kind == 'flowers-raw' else (127.5, 127.5), real_data.squash(int(size), int(size))
    name = dataset.replace(':', '_')
    return real_data.kept(work / f'{name}.calibration.npy', lambda: real_data.pictures(real_data.files(calibration), fit, *how))


def calibration_feeds(name, dataset, work):
    """With an axis of samples in front of the classifier's own shape."""
    rows = real_data.kept(work / f'{name}.calibration.npy', lambda: np.load(calibration_rows(dataset, work))[:, None])
    return {Model.read(real_data.ASSETS / f'models/{name}.onnx').inputs[0]: rows}


def check(work, only):
    print('| model | method | agreement %: its own, stand-in | SQNR dB: its own, stand-in |\n|---|---|---|---|', flush=True)
    for name, (dataset, *known) in KNOWN.items():
        if only and name not in only:
            continue
        model = real_data.ASSETS / f'models/{name}.onnx'
        _, _, rows, _ = real_data.classifier_data(dataset, work)
        outputs = static(model, calibration_feeds(name, dataset, work), work)
        fp32 = real_data.evaluate(model, rows, work / f'{name}.fp32.npy')
        for (method, output), (agreement, sqnr) in zip(outputs.items(), known):
            judged = real_data.evaluate(output, rows, work / f'{name}.ort.{method}.npy')
            print(f'| {name} | {method} | {agreement:.2f}, {real_data.agreement(fp32, judged):.2f} | {sqnr:.2f}, {real_data.sqnr_db(fp32, judged):.2f} |', flush=True)


def check_dynamic(work):
    """Against a MobileNetV2 that others published, as its own dynamic quantizer made it."""
    theirs = Model.read(real_data.ASSETS / 'models/q_mobilenet_v2_dynamic_int8.onnx')
    ours = Model.read(dynamic(real_data.ASSETS / 'models/mobilenet_v2_torchvision.onnx', work)['tensor'])
    print('\n| product | in both models | the same codes and zero points |\n|---|---|---|')
    for op in ('ConvInteger', 'MatMulInteger'):
        pairs = [[[graph.constants[node.inputs[k]] for k in (1, 3)] for node in graph.nodes if node.op == op] for graph in (theirs, ours)]
        same = [all(np.array_equal(a, b) for a, b in zip(*pair)) for pair in zip(*pairs)]
        print(f"| {op} | {', '.join(str(len(part)) for part in pairs)} | {sum(same)} |")


def main():
    verb, *words = sys.argv[1:] or ['']
    if verb not in ('static', 'dynamic', 'check') or len(words) != {'static': 3, 'dynamic': 2}.get(verb, len(words)) or not words:
        sys.exit(__doc__)
    work = pathlib.Path(words[verb != 'check']).resolve()
    work.mkdir(parents=True, exist_ok=True)
    if verb == 'check':
        check(work, words[1].split(',') if len(words) > 1 else None)
        check_dynamic(work)
    elif verb == 'static':
        print(*static(pathlib.Path(words[0]), json.loads(pathlib.Path(words[2]).read_text()), work).values())
    else:
        print(*dynamic(pathlib.Path(words[0]), work).values())


if __name__ == '__main__':
    main()
