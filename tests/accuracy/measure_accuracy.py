#!/usr/bin/env python3
"""Measures what quantization costs in accuracy, by ONNX Runtime, and writes the tables of docs/accuracy.md.

    measure_accuracy.py MCOMPRESS WORK [--table classifiers|others|unseen] [--cifar GITDIR] [--only NAME,…] [--efforts fast,balanced,max] [--json OUT] [--write]

WORK keeps prepared data and the outputs of the float models from run to run. --write puts the tables into docs/accuracy.md, between its markers.
Needs MCOMPRESS_ASSETS (the folder of models and data) and node with npm's onnxruntime-node (ORT_NODE: its folder). A model is quantized with 100
calibration samples where there are as many, and ONNX Runtime evaluates it with its exact kernels (tests/interop/onnxruntime.js says why) on others.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/interop'))
import real_data  # noqa: E402
import ort_quantizer  # noqa: E402
import unseen as unseen_data  # noqa: E402
from other_models import OTHERS  # noqa: E402

DOC = ROOT / 'docs/accuracy.md'

# model: (its data, ONNX Runtime's best top-1 %, agreement % and SQNR dB, each of its MinMax and Percentile 99.999 whichever is better; bytes)
CLASSIFIERS = {
    'mobilenet_v2_torchvision': ('imagenet', 84.11, 93.11, 15.82, 3849105),
    'squeezenet1_1_gluon': ('imagenet', 62.67, 94.44, 32.58, 1337637),
    'mobilenet_v1_025_224': ('imagenet-tf', 57.22, 78.00, 12.76, 575475),
    'kws_dscnn_fp32': ('kws', 90.56, 99.11, 30.99, 43754),
    'resnet20_cifar10': ('cifar10', 75.10, 98.30, 27.75, 323032),
    'resnet32_cifar10': ('cifar10', 81.90, 98.20, 27.15, 548538),
    'mlperftiny_resnet8_cifar10': ('cifar10_raw', 75.40, 96.90, 29.02, 96222),
    'stm_efficientnet_lc_v1_224_flowers': ('flowers:224', 77.60, 98.40, 21.10, 801240),
}
CLASSIFIER_HEAD = '| model | version | top-1 % | agreement % | SQNR dB | bytes | seconds | peak MB |\n|---|---|---|---|---|---|---|---|'
OTHER_HEAD = ('| model | samples: calibration, evaluation | figure | fp32 | version | it | SQNR dB | bytes | seconds | peak MB |\n'
              '|---|---|---|---|---|---|---|---|---|---|')


UNSEEN_HEAD = '| model | samples | version | top-1 % | agreement % | SQNR dB |\n|---|---|---|---|---|---|'

# Runs a command and prints its peak in kB. A process of its own: until it becomes the command, a child counts what its parent occupies.
PEAK_OF = 'import resource, subprocess, sys; status = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode; ' \
          'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(status)'


def quantize(tool, model, output, arguments):
    """(seconds, peak MB) of the command."""
    command = [str(word) for word in (tool, '-q', 'quantize', model, '-o', output, '--force', *arguments)]
    begin = time.monotonic()
    done = subprocess.run([sys.executable, '-S', '-c', PEAK_OF, *command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return time.monotonic() - begin, int(done.stdout) / 1024


def classifier(options, name):
    dataset, *ort = CLASSIFIERS[name]
    model, work = real_data.ASSETS / f'models/{name}.onnx', options.work
    calibration, flags, rows, labels = real_data.classifier_data(dataset, work)
    fp32 = real_data.evaluate(model, rows, work / f'{name}.fp32.npy')
    yield {'model': name, 'version': 'fp32', 'top1': real_data.top1(fp32, labels), 'bytes': model.stat().st_size}
    for effort in options.efforts:
        int8 = work / f'{name}.{effort}.onnx'
        seconds, megabytes = quantize(options.mcompress, model, int8, ['--data', calibration, *flags, '--effort', effort])
        judged = real_data.evaluate(int8, rows, work / f'{name}.{effort}.npy')
        yield {'model': name, 'version': f'ours, {effort}', 'top1': real_data.top1(judged, labels), 'agreement': real_data.agreement(fp32, judged),
               'sqnr': real_data.sqnr_db(fp32, judged), 'bytes': int8.stat().st_size, 'seconds': seconds, 'peak': megabytes}
    yield {'model': name, 'version': "ONNX Runtime's best", 'top1': ort[0], 'agreement': ort[1], 'sqnr': ort[2], 'bytes': ort[3]}


def decibels(reference, candidate):
    """Of every output."""
    return [real_data.sqnr_db(a, b) for a, b in zip(reference, candidate)]


def judged(row, data, common, version, model, folder, **more):
    fp32, outputs = common['outputs'], real_data.outputs(model, data.feeds, folder)
    each = decibels(fp32, outputs)
    return {**{key: common[key] for key in ('model', 'samples', 'figure', 'fp32')}, 'version': version, 'measured': row.measure(fp32, outputs, data),
            'sqnr': min(each), 'outputs': each, 'bytes': model.stat().st_size, **more}


def rivals(row, data, common, model, work):
    """ONNX Runtime's quantizers (their stand-ins), each with the variant that keeps the worst output better."""
    for kind in row.rivals():
        paths = ort_quantizer.static(model, data.fits, work) if kind == 'static' else ort_quantizer.dynamic(model, work)
        results = []
        for variant, path in paths.items():
            name = {'tensor': 'per tensor', 'channel': 'per channel'}.get(variant, variant)
            result = judged(row, data, common, f'ONNX Runtime {kind} ({name})', path, work / f'{model.stem}.ort.{variant}')
            if kind == 'static' and ort_quantizer.opset(model) < 13:
                result['bytes'] = None  # numbers on the grid of codes, but floats
            results.append(result)
        yield max(results, key=lambda result: result['sqnr'])


def other(options, name):
    row = OTHERS[name]
    model, work = real_data.ASSETS / f'models/{name}.onnx', options.work
    data = row.prepare(work, name)
    fp32 = real_data.outputs(model, data.feeds, work / f'{name}.fp32')
    common = {'model': name, 'samples': data.samples, 'figure': row.figure, 'fp32': row.measure(fp32, fp32, data), 'outputs': fp32}
    for version in row.versions(options.efforts):
        kind, *more = version.split()
        int8 = work / f"{name}.{kind}{''.join(more)}.onnx"
        arguments = ['--dynamic', *more] if kind == 'dynamic' else ['--data', data.calibration, '--effort', version]
        if kind != 'dynamic' and data.samples.endswith('of noise'):
            arguments.append('--allow-unfit-data')
        seconds, megabytes = quantize(options.mcompress, model, int8, arguments)
        yield judged(row, data, common, f'ours, {version}', int8, int8.with_suffix(''), seconds=seconds, peak=megabytes)
    yield from rivals(row, data, common, model, work)


def compared(fp32, int8, labels):
    """Figures of a classifier, its top-1 where the samples have labels."""
    return {'top1': None if labels is None else real_data.top1(int8, labels), 'agreement': real_data.agreement(fp32, int8),
            'sqnr': real_data.sqnr_db(fp32, int8)}


def versions_for(options, name, data):
    """Version → its model. Models that the table of classifiers has made with this program are taken from there."""
    model, work, dataset = real_data.ASSETS / f'models/{name}.onnx', options.work, CLASSIFIERS[name][0]
    calibration, flags, *_ = real_data.classifier_data(dataset, work)
    feeds = ort_quantizer.calibration_feeds(name, dataset, work)
    if data.calibration:
        calibration, flags, work = data.calibration, [], work / 'calibrated_otherwise'
        work.mkdir(exist_ok=True)
        feeds = {key: real_data.kept(work / f'{name}.calibration.npy', lambda: np.load(calibration)[:, None]) for key in feeds}
    versions = {}
    for effort in options.efforts:
        int8 = versions[f'ours, {effort}'] = work / f'{name}.{effort}.onnx'
        if not int8.exists() or int8.stat().st_mtime < options.mcompress.stat().st_mtime:
            quantize(options.mcompress, model, int8, ['--data', calibration, *flags, '--effort', effort])
    return versions | {f'ONNX Runtime static ({method})': path for method, path in ort_quantizer.static(model, feeds, work).items()}


def unseen(options, name):
    """The classifiers on other pictures."""
    model = real_data.ASSETS / f'models/{name}.onnx'
    for number, data in enumerate(unseen_data.sets_of(CLASSIFIERS[name][0], options.work, options.cifar)):
        fp32 = real_data.evaluate(model, data.rows, options.work / f'{name}.unseen{number}.npy')
        common = {'model': name, 'samples': f'{len(fp32)}: {data.kind}'}
        if data.labels is not None:
            yield {**common, 'version': 'fp32', 'top1': real_data.top1(fp32, data.labels)}
        shown = [{**common, 'version': version, **compared(fp32, real_data.evaluate(path, data.rows, path.with_suffix(f'.unseen{number}.npy')), data.labels)}
                 for version, path in versions_for(options, name, data).items()]
        yield from shown[:-2]
        yield max(shown[-2:], key=lambda result: result['sqnr'])


def cell(result, key, digits):
    value = result.get(key)
    return '' if value is None else 'equal' if value == float('inf') else f'{value:.{digits}f}'


def classifier_line(r):
    figures = (cell(r, key, digits) for key, digits in (('top1', 2), ('agreement', 2), ('sqnr', 2), ('bytes', 0), ('seconds', 1), ('peak', 0)))
    return f"| {r['model'] if r['version'] == 'fp32' else ''} | {r['version']} | {' | '.join(figures)} |"


def other_line(r):
    figures = (cell(r, key, digits) for key, digits in (('measured', 2), ('sqnr', 2), ('bytes', 0), ('seconds', 1), ('peak', 0)))
    return f"| {r['model']} | {r['samples']} | {r['figure']} | {cell(r, 'fp32', 2)} | {r['version']} | {' | '.join(figures)} |"


def unseen_line(r):
    return f"| {r['model']} | {r['samples']} | {r['version']} | {' | '.join(cell(r, key, 2) for key in ('top1', 'agreement', 'sqnr'))} |"


TABLES = {'classifiers': (CLASSIFIERS, classifier, CLASSIFIER_HEAD, classifier_line), 'others': (OTHERS, other, OTHER_HEAD, other_line),
          'unseen': (CLASSIFIERS, unseen, UNSEEN_HEAD, unseen_line)}


def measure(options, table):
    """The table's lines and results; what fails is a line that says so, and counts."""
    models, results_of, head, line = TABLES[table]
    lines, results, failures = [head], [], 0
    print(head, flush=True)
    for name in models:
        if options.only and name not in options.only:
            continue
        try:
            for result in results_of(options, name):
                results.append(result)
                lines.append(line(result))
                print(lines[-1], flush=True)
        except (RuntimeError, ValueError, subprocess.CalledProcessError) as error:
            failures += 1
            lines.append(f'| {name} | FAILED |')
            print(f'{lines[-1]} {error}', flush=True)
    return lines, results, failures


def models_of(lines):
    """Table lines by model; a line without a name belongs to the one above."""
    rows, name = {}, ''
    for line in lines:
        name = line.split('|')[1].strip() or name
        rows.setdefault(name, []).append(line)
    return rows


def write(table, lines):
    """Into the document; models that were not measured keep their lines."""
    begin, end = f'<!-- {table} -->\n', f'<!-- end of {table} -->'
    text = DOC.read_text()
    pattern = re.compile(re.escape(begin) + '(.*?)' + re.escape(end), re.DOTALL)
    found = pattern.search(text)
    if not found:
        raise RuntimeError(f'{DOC} has no marker {begin.strip()}')
    head = lines[0].splitlines()
    rows = {**models_of(found[1].splitlines()[len(head):]), **models_of(lines[1:])}
    body = head + [line for name in TABLES[table][0] for line in rows.get(name, [])]
    DOC.write_text(pattern.sub(lambda _: begin + '\n'.join(body) + '\n' + end, text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mcompress', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--table', choices=TABLES)
    parser.add_argument('--only', type=lambda text: text.split(','))
    parser.add_argument('--efforts', type=lambda text: text.split(','), default=['fast', 'balanced', 'max'])
    parser.add_argument('--cifar', type=pathlib.Path, help='a git directory with test/CLASS/*.jpg, for the table unseen (measure_pruning.py)')
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    begin, everything, failures = time.monotonic(), {}, 0
    for table in [options.table] if options.table else TABLES:
        lines, everything[table], failed = measure(options, table)
        failures += failed
        if options.write:
            write(table, lines)
    if options.json:
        options.json.write_text(json.dumps(everything, indent=1))
    print(f'{time.monotonic() - begin:.0f} s', file=sys.stderr)
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
