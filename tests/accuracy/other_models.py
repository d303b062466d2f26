"""The real models that are no classifiers of photographs with a table of their own: what each is fed, and how its task is measured.

Where the assets have labels the figure is the task's own (top-1, perplexity); elsewhere it is how many decisions equal those of the float model, or
there is none and the SQNR of the outputs speaks alone. Streams and spectra are seeded noise: what they tell is how far the arithmetic is off.
"""
import dataclasses
import pathlib
import shutil
import typing

import numpy as np
import real_data

# numpy's types in ONNX's TensorProto
ONNX_TYPES = {'float32': 1, 'uint8': 2, 'int32': 6, 'int64': 7}
TORCH = dict(zip(('mean', 'std'), real_data.TORCH))
CENTRED = {'mean': 127.5, 'std': 127.5}


@dataclasses.dataclass
class Prepared:
    calibration: pathlib.Path  # as mcompress --data takes it
    feeds: dict                # name of an input → .npy, an axis of samples in front of the input's own shape
    samples: str               # "32, 32 pictures"
    fits: dict                 # as feeds, of the calibration samples
    labels: typing.Any = None


def varint(number):
    coded = b''
    while number >= 128:
        coded, number = coded + bytes([number & 127 | 128]), number >> 7
    return coded + bytes([number])


def serialized(name, array):
    """A TensorProto: dims, data_type, name, raw_data."""
    packed = b''.join(varint(1 << 3) + varint(dim) for dim in array.shape) + varint(2 << 3) + varint(ONNX_TYPES[str(array.dtype)])
    for field, content in ((8, name.encode()), (9, np.ascontiguousarray(array).tobytes())):
        packed += varint(field << 3 | 2) + varint(len(content)) + content
    return packed


def write_samples(folder, arrays):
    """test_data_set_K/input_I.pb, for models of several inputs."""
    shutil.rmtree(folder, ignore_errors=True)
    for sample in range(len(next(iter(arrays.values())))):
        target = folder / f'test_data_set_{sample}'
        target.mkdir(parents=True)
        for index, (name, array) in enumerate(arrays.items()):
            (target / f'input_{index}.pb').write_bytes(serialized(name, array[sample]))
    return folder


def prepared(work, name, calibration, evaluation, kind, labels=None):
    """`calibration` and `evaluation`: {input: array with an axis of samples in front of the input's own shape}."""
    files = {}
    for part, arrays_of in (('calib', calibration), ('eval', evaluation)):
        files[part] = {key: work / f'{name}.{part}{index}.npy' for index, key in enumerate(arrays_of)}
        for key, path in files[part].items():
            np.save(path, arrays_of[key])
    counts = ', '.join(str(len(next(iter(part.values())))) for part in (calibration, evaluation))
    return Prepared(write_samples(work / f'{name}.calib', calibration), files['eval'], f'{counts} {kind}', files['calib'], labels)


def split(work, name, key, array, count, kind, labels=None):
    """Samples [N, …] of a model with one input: every other one calibrates, at most `count` of each."""
    parts = [array[start::2][:count, None] for start in (0, 1)]
    return prepared(work, name, {key: parts[0]}, {key: parts[1]}, kind, None if labels is None else labels[1::2][:count])


def coco(key, fit, count=32, **how):
    """Photographs of data/coco_train64."""
    def prepare(work, name):
        paths = real_data.files(real_data.DATA / 'coco_train64')
        return split(work, name, key, real_data.pictures(paths[:2 * count], fit, **how), count, 'photographs')
    return prepare


def with_words(image, seed):
    """Seeded words on a photograph, in Pillow's own letters, two to four times their size."""
    from PIL import Image, ImageDraw
    draw = np.random.default_rng(seed)
    for _ in range(6):
        word = ''.join(map(chr, draw.integers(ord('A'), ord('Z') + 1, draw.integers(4, 9))))
        mask = Image.new('L', (6 * len(word) + 2, 13))
        ImageDraw.Draw(mask).text((1, 1), word, fill=255)
        factor = int(draw.integers(2, 5))
        mask = mask.resize((factor * mask.width, factor * mask.height), Image.BILINEAR)
        at = [int(draw.integers(0, max(1, whole - part))) for whole, part in zip(image.size, mask.size)]
        image.paste(tuple(int(part) for part in draw.choice([0, 255]) + np.zeros(3, int)), (at[0], at[1]), mask)
    return image


def signs(key, size, count=32, **how):
    """Photographs with words on them: what a detector of text is for."""
    def prepare(work, name):
        fit = real_data.squash(size, size)
        paths = real_data.files(real_data.DATA / 'coco_train64')[:2 * count]
        rows = [real_data.pictures([path], lambda image, seed=seed: with_words(fit(image), seed), **how)[0] for seed, path in enumerate(paths)]
        return split(work, name, key, np.stack(rows), count, 'photographs with words')
    return prepare


def flowers(key, dataset):
    def prepare(work, name):
        calibration, _, rows, labels = real_data.classifier_data(dataset, work)
        kind, size = dataset.split(':')
        how = {} if kind == 'flowers-raw' else CENTRED
        first = real_data.pictures(real_data.files(calibration), real_data.squash(int(size), int(size)), **how)
        return prepared(work, name, {key: first[:, None]}, {key: np.load(rows)[:, None]}, 'photographs', labels)
    return prepare


def arrays(key, dataset):
    """data/<dataset>/{calib,eval,eval_labels}.npy"""
    def prepare(work, name):
        folder = real_data.DATA / dataset
        first, second = (np.load(folder / f'{part}.npy')[:, None] for part in ('calib', 'eval'))
        return prepared(work, name, {key: first}, {key: second}, 'samples', np.load(folder / 'eval_labels.npy'))
    return prepare


def files_of_types(work, name):
    data = real_data.DATA / 'magika'
    return split(work, name, 'bytes', np.load(data / 'bytes.npy'), 38, 'files', np.load(data / 'labels.npy'))


def stories(work, name):
    parts = [np.load(real_data.DATA / f'text/tinystories_{part}_tokens.npy')[:, None] for part in ('calib', 'eval')]
    return prepared(work, name, {'input_ids': parts[0][:100]}, {'input_ids': parts[1]}, 'texts')


def text_bytes(work, name):
    """Source files and documents, 256 bytes of each."""
    return split(work, name, 'input', np.clip(np.load(real_data.DATA / 'magika/bytes.npy')[:, :256], 0, 255).astype(np.uint8), 38, 'texts')


def words(work, name):
    """Seeded letters 1 … 26 and phonemes 3 … 69 in the place of a dictionary."""
    draw = np.random.default_rng(1).integers
    parts = [{'graphemes': draw(1, 27, (count, 1, 9)), 'phonemes_in': draw(3, 70, (count, 1, 9))} for count in (32, 64)]
    return prepared(work, name, *parts, 'random words')


def noise(shapes, deviation=1.0, fixed=None, count=32):
    """Normal numbers; `fixed` inputs are the same in every sample."""
    def prepare(work, name):
        generator = np.random.default_rng(1)
        parts = []
        for _ in range(2):
            part = {key: (deviation * generator.standard_normal((count, *shape))).astype(np.float32) for key, shape in shapes.items()}
            part.update({key: np.stack([value] * count) for key, value in (fixed or {}).items()})
            parts.append(part)
        return prepared(work, name, *parts, 'of noise')
    return prepare


# ---- figures: (outputs of the float model, outputs judged, the data) ----
def accuracy(_, judged, data):
    return real_data.top1(judged[0].reshape(len(data.labels), -1), data.labels)


def perplexity(_, judged, data):
    tokens, logits = np.load(data.feeds['input_ids'])[:, 0], judged[0][:, 0].astype(np.float64)
    shifted = logits[:, :-1] - logits[:, :-1].max(-1, keepdims=True)
    chances = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return float(np.exp(-np.take_along_axis(chances, tokens[:, 1:, None], -1).mean()))


def same_class(axis):
    return lambda reference, judged, _: 100.0 * (reference[0].argmax(axis) == judged[0].argmax(axis)).mean()


def same_sign(reference, judged, _):
    return 100.0 * ((reference[0] > 0) == (judged[0] > 0)).mean()


def same_text(reference, judged, _):
    """Of the pixels that either takes for text (0.3, as its authors do), those that both do."""
    a, b = reference[0] > 0.3, judged[0] > 0.3
    return 100.0 * (a & b).sum() / (a | b).sum()


def nothing(*_):
    return None


@dataclasses.dataclass
class Row:
    prepare: typing.Callable
    figure: str = ''
    measure: typing.Callable = nothing
    dynamic: bool = False  # recurrent networks and transformers are quantized dynamically as well

    def versions(self, efforts):
        return [effort for effort in efforts if effort != 'max'] + (['dynamic', 'dynamic --sum-width 32'] if self.dynamic else [])

    def rivals(self):
        """What ONNX Runtime's documentation advises for the model comes last."""
        return ['static', 'dynamic'] if self.dynamic else ['static']


SILERO = {'input': (1, 576), 'state': (2, 1, 128)}
OTHERS = {
    'stm_mobilenet_v2_035_128_flowers': Row(flowers('input_1', 'flowers:128'), 'top-1 %', accuracy),
    'mnist_burn_cnn': Row(arrays('input.1', 'mnist'), 'top-1 %', accuracy),
    'mobilevit_xxs_flowers_256': Row(flowers('input', 'flowers-raw:256'), 'top-1 %', accuracy, dynamic=True),
    'magika_v3_3': Row(files_of_types, 'top-1 %', accuracy, dynamic=True),
    'stories260k_llama': Row(stories, 'perplexity', perplexity, dynamic=True),
    'deeplabv3_mnv2_voc': Row(coco('input', real_data.squash(513, 513), count=8, **CENTRED), 'equal pixels %', same_class(2)),
    'yolox_nano': Row(coco('images', real_data.letterbox(416), bgr=True)),
    'picodet_s_320_coco': Row(coco('image', real_data.squash(320, 320), **TORCH)),
    'fastestdet': Row(coco('input.1', real_data.squash(352, 352), std=255.0, bgr=True)),
    'stm_ssd_mbv1_025_256': Row(coco('input_1', real_data.squash(256, 256), **CENTRED)),
    'scrfd_500m_kps': Row(coco('images', real_data.squash(640, 640), count=16, mean=127.5, std=128.0)),
    'ultraface_rfb_320': Row(coco('input', real_data.squash(320, 240), mean=127.0, std=128.0)),
    'yunet_n_320': Row(coco('input', real_data.squash(320, 320), bgr=True)),
    'ppocrv3_det': Row(signs('x', 320, **TORCH), 'equal text %', same_text),
    'g2p_en_gru_seq2seq': Row(words, 'equal phonemes %', same_class(-1), dynamic=True),
    'nnsplit_en_lstm': Row(text_bytes, 'equal decisions %', same_sign, dynamic=True),
    'rnnoise_gru': Row(noise({'input': (1, 16, 42), 'vad_h0': (1, 1, 24), 'noise_h0': (1, 1, 48), 'denoise_h0': (1, 1, 96)}), dynamic=True),
    'gtcrn': Row(noise({'mix': (1, 257, 1, 2), 'conv_cache': (2, 1, 16, 16, 33), 'tra_cache': (2, 3, 1, 1, 16), 'inter_cache': (2, 1, 33, 16)}),
                 dynamic=True),
    'dtln_1': Row(noise({'input_2': (1, 1, 257), 'input_3': (1, 2, 128, 2)}), dynamic=True),
    'silero_vad': Row(noise(SILERO, 0.1, {'sr': np.array(16000)}), dynamic=True),
    'silero_vad_16k_op15': Row(noise(SILERO, 0.1, {'sr': np.array(16000)}), dynamic=True),
    'ten_vad': Row(noise({'input_1': (1, 3, 41), **{f'input_{index}': (1, 64) for index in (2, 3, 6, 7)}}), dynamic=True),
}
