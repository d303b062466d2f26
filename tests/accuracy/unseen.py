"""Pictures of another kind than those that quantization was developed with: does what it gains hold there?

The classifiers of ImageNet see flowers and COCO's photographs, that of flowers sees the latter. Those of CIFAR-10 see its ten thousand
test pictures instead of the assets' airplanes: calibrated on airplanes, and on ten training pictures of each class.
"""
import dataclasses
import pathlib
import typing

import numpy as np
import real_data


@dataclasses.dataclass
class Unseen:
    kind: str
    rows: pathlib.Path
    labels: typing.Any = None
    calibration: typing.Any = None  # .npy instead of the model's usual calibration


def photographs(dataset):
    """(what they are, their paths) for a dataset of classifier_data."""
    sets = [('photographs of COCO', real_data.files(real_data.DATA / 'coco_train64'))]
    if dataset.startswith('imagenet'):
        sets.insert(0, ('flowers', [path for part in ('calib', 'eval') for path in real_data.files(real_data.DATA / f'flowers/{part}')]))
    return sets


def cifar_part(dataset, part, count, work, cifar):
    """(rows, labels) as files: the first `count` pictures of each class."""
    from measure_pruning import cifar_rows  # which takes from measure_accuracy, which takes from here
    rows, labels = (real_data.kept(work / f'unseen.cifar10.{part}.{what}.npy', lambda: cifar_rows(cifar, part, count)[number])
                    for number, what in enumerate(('rows', 'labels')))
    if dataset == 'cifar10_raw':
        mean, std = (channels.reshape(1, 3, 1, 1) for channels in real_data.TORCH)
        rows = real_data.kept(work / f'unseen.cifar10_raw.{part}.npy', lambda: np.round(np.load(rows) * std + mean).astype(np.float32))
    return rows, labels


def sets_of(dataset, work, cifar):
    """Every set that a classifier with this dataset can be shown."""
    if dataset.startswith('cifar10'):
        if not cifar:
            return []
        calibration, _ = cifar_part(dataset, 'train', 10, work, cifar)
        rows, labels = cifar_part(dataset, 'test', 1000, work, cifar)
        return [Unseen('all classes, calibrated on airplanes', rows, np.load(labels)), Unseen('all classes, calibrated on all', rows, np.load(labels), calibration)]
    if dataset == 'kws':
        return []
    fit = real_data.squash(224, 224) if dataset.startswith('flowers') else real_data.centre_crop
    how = real_data.TORCH if dataset == 'imagenet' else (127.5, 127.5)
    return [Unseen(kind, real_data.kept(work / f"unseen.{dataset.replace(':', '_')}.{number}.npy", lambda: real_data.pictures(paths, fit, *how)))
            for number, (kind, paths) in enumerate(photographs(dataset))]
