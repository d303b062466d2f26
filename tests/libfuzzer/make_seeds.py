#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets: make_seeds.py OUT [--testdata DIR]. They are the same each time; the corpora are these and what fuzzing added, minimized.

Needs NumPy and Pillow, and libonnx-testdata for the small published models.
"""
import argparse
import io
import json
import pathlib
import struct
import sys
import zlib

import numpy as np
from PIL import Image

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bad"))
import wire  # noqa: E402

MODELS = ["test_conv_with_strides_padding", "test_gemm_all_attributes", "test_batchnorm_epsilon", "test_if", "test_loop11", "test_scan9_sum", "test_quantizelinear_axis",
          "test_dequantizelinear_axis", "test_qlinearconv", "test_qlinearmatmul_2D", "test_lstm_with_peepholes", "test_gru_defaults", "test_reshape_reordered_all_dims", "test_slice",
          "test_concat_2d_axis_0", "test_gather_elements_1", "test_resize_upsample_scales_linear", "test_softmax_axis_1", "test_layer_normalization_3d_axis1_epsilon_expanded",
          "test_attention", "test_einsum_batch_matmul", "test_constant_pad", "test_split_variable_parts_2d", "test_where_example", "test_topk", "test_sequence_insert_at_front",
          "test_identity_opt", "test_dynamicquantizelinear", "test_convtranspose", "test_maxpool_2d_ceil", "test_averagepool_2d_pads", "test_nonmaxsuppression_center_point_box_format",
          "test_strnormalizer_nostopwords_nochangecase", "test_bernoulli_expanded", "test_celu_expanded", "test_cast_FLOAT_to_BFLOAT16", "test_range_float_type_positive_delta_expanded"]


def chain():
    """Convolution, normalization, activation, product: what most passes look for."""
    rng = np.random.default_rng(1)
    weights = lambda *shape: (rng.integers(-32, 32, shape) / 32).astype("<f4")
    tensors = [("w", weights(4, 2, 3, 3)), ("b", weights(4)), ("s", np.abs(weights(4)) + 1), ("o", weights(4)), ("m", weights(4)), ("v", np.abs(weights(4)) + 1), ("w2", weights(4, 4, 1, 1)),
               ("g", weights(4, 8)), ("c", weights(8))]
    nodes = [node("Conv", ["x", "w", "b"], ["y0"], wire.attr_ints("pads", [1, 1, 1, 1])), node("BatchNormalization", ["y0", "s", "o", "m", "v"], ["y1"]), node("Relu", ["y1"], ["y2"]),
             node("Conv", ["y2", "w2"], ["y3"]), node("Add", ["y3", "y2"], ["y4"]), node("GlobalAveragePool", ["y4"], ["y5"]), node("Flatten", ["y5"], ["y6"]),
             node("Gemm", ["y6", "g", "c"], ["y7"]), node("Softmax", ["y7"], ["y"])]
    return model(nodes, tensors, [("x", (1, 2, 5, 5))], [("y", (1, 8))])


def attention():
    rng = np.random.default_rng(2)
    weights = lambda *shape: (rng.integers(-32, 32, shape) / 32).astype("<f4")
    nodes = [node("MatMul", ["x", "q"], ["a"]), node("MatMul", ["x", "k"], ["b"]), node("Transpose", ["b"], ["bt"], wire.attr_ints("perm", [0, 2, 1])), node("MatMul", ["a", "bt"], ["c"]),
             node("Softmax", ["c"], ["d"]), node("MatMul", ["x", "v"], ["e"]), node("MatMul", ["d", "e"], ["f"]), node("Add", ["f", "x"], ["y"])]
    return model(nodes, [("q", weights(8, 8)), ("k", weights(8, 8)), ("v", weights(8, 8))], [("x", ("N", 3, 8))], [("y", ("N", 3, 8))])


def quantized():
    rng = np.random.default_rng(3)
    tensors = [("xs", np.array(0.05, "<f4")), ("xz", np.array(128, "u1")), ("w", rng.integers(-127, 127, (4, 8)).astype("i1")), ("ws", np.full(4, 0.01, "<f4")), ("wz", np.zeros(4, "i1")),
               ("ys", np.array(0.1, "<f4")), ("yz", np.array(100, "u1"))]
    nodes = [node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]), node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]), node("DequantizeLinear", ["w", "ws", "wz"], ["wd"], wire.attr_int("axis", 0)),
             node("Gemm", ["xd", "wd"], ["y0"], wire.attr_int("transB", 1)), node("QuantizeLinear", ["y0", "ys", "yz"], ["yq"]), node("DequantizeLinear", ["yq", "ys", "yz"], ["y"])]
    return model(nodes, tensors, [("x", ("N", 8))], [("y", ("N", 4))])


def lookup():
    rng = np.random.default_rng(4)
    tensors = [("table", (rng.integers(-32, 32, (16, 8)) / 32).astype("<f4")), ("shape", np.array([1, -1], "<i8")), ("one", np.array(1, "<f4")), ("axes", np.array([0], "<i8"))]
    nodes = [node("Gather", ["table", "i"], ["e"]), node("Mul", ["e", "one"], ["e1"]), node("Reshape", ["e1", "shape"], ["r"]), node("Identity", ["r"], ["r1"]),
             node("Shape", ["r1"], ["s"]), node("Cast", ["s"], ["y2"], wire.attr_int("to", 1)), node("Not", ["flag"], ["y3"]), node("Squeeze", ["r1", "axes"], ["y"])]
    return model(nodes, tensors + [("flag", np.array([1, 0, 1], "?"))], [("i", (3,), wire.INT64)], [("y", (24,)), ("y2", (2,)), ("y3", (3,), wire.BOOL)])


DTYPES = {"f4": wire.FLOAT, "u1": wire.UINT8, "i1": wire.INT8, "i8": wire.INT64, "i4": wire.INT32, "b1": wire.BOOL, "f2": wire.FLOAT16, "f8": wire.DOUBLE}


def node(op, inputs, outputs, *attributes):
    return wire.data(1, wire.join(wire.data(1, each) for each in inputs) + wire.join(wire.data(2, each) for each in outputs) + wire.data(3, "n_" + outputs[0]) + wire.data(4, op) +
                     wire.join(wire.data(5, each) for each in attributes))


def model(nodes, tensors, inputs, outputs, opset=17, extra=b""):
    graph = wire.join(nodes) + wire.data(2, "g")
    graph += wire.join(wire.data(5, wire.tensor(name, array.shape, array.tobytes(), DTYPES[array.dtype.str[1:]])) for name, array in tensors)
    graph += wire.join(wire.data(11, wire.value(*each)) for each in inputs) + wire.join(wire.data(12, wire.value(*each)) for each in outputs)
    return wire.number(1, 8) + wire.data(7, graph) + wire.data(8, wire.number(2, opset)) + extra


def attributes():
    """An operator nobody knows with attributes of every kind, and values of every kind of type."""
    body = node("Neg", ["x"], ["inner"]) + wire.data(2, "body") + wire.data(12, wire.value("inner", (2,)))
    tensor = wire.tensor("t", [2], bytes(8))
    sparse = wire.data(1, wire.tensor("v", [1], bytes(4))) + wire.data(2, wire.tensor("", [1], bytes(8), wire.INT64)) + wire.number(3, 4)
    of = lambda name, kind, payload: wire.attribute(name, kind, payload)
    float_type = wire.data(1, wire.number(1, wire.FLOAT))
    every = [of("floats", 6, wire.single(7, 1.5) + wire.single(7, 2.5)), of("strings", 8, wire.data(9, "a") + wire.data(9, "b")), of("tensors", 9, wire.data(10, tensor) * 2),
             of("graphs", 10, wire.data(11, body) + wire.data(11, body.replace(b"inner", b"other"))), of("sparse", 11, wire.data(22, sparse)), of("sparses", 12, wire.data(23, sparse)),
             of("type", 13, wire.data(14, float_type)), of("types", 14, wire.data(15, float_type) * 2), of("float", 1, wire.single(2, 0.5)), of("text", 3, wire.data(4, "text"))]
    nodes = node("Everything", ["x", "s", "m", "o", "q"], ["y"], *every) + node("Neg", ["x"], ["z"])
    typed = lambda name, type_: wire.data(11, wire.data(1, name) + wire.data(2, type_))
    graph = nodes + wire.data(2, "g") + wire.data(11, wire.value("x", (2,)))
    graph += typed("s", wire.data(4, wire.data(1, float_type))) + typed("m", wire.data(5, wire.number(1, wire.INT64) + wire.data(2, float_type)))
    graph += typed("o", wire.data(9, wire.data(1, float_type))) + typed("q", wire.data(8, wire.number(1, wire.FLOAT)))
    graph += wire.data(12, wire.data(1, "y")) + wire.data(12, wire.value("z", (2,)))
    graph += wire.data(15, wire.data(1, wire.tensor("unused", [2], bytes(8))) + wire.data(2, wire.tensor("", [2, 2], np.array([[0, 1], [1, 0]], "<i8").tobytes(), wire.INT64)) + wire.number(3, 2) + wire.number(3, 2))
    return wire.number(1, 8) + wire.data(7, graph) + wire.data(8, wire.number(2, 17))


def external():
    place = [("location", "w.bin"), ("offset", "16"), ("length", "64")]
    whole = [("location", "sub/w.bin")]
    graph = node("Add", ["x", "w"], ["a"]) + node("Mul", ["a", "v"], ["y"]) + wire.data(2, "g") + wire.data(5, wire.external("w", (4, 4), place)) + wire.data(5, wire.external("v", (4, 4), whole))
    graph += wire.data(11, wire.value("x", (4, 4))) + wire.data(12, wire.value("y", (4, 4)))
    return wire.number(1, 8) + wire.data(7, graph) + wire.data(8, wire.number(2, 17))


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def npz(compress, **arrays):
    out = io.BytesIO()
    (np.savez_compressed if compress else np.savez)(out, **arrays)
    return out.getvalue()


def picture(form, mode, size, **options):
    rng = np.random.default_rng(5)
    shape = (size[1], size[0]) + (() if mode in ("L", "1", "P", "I;16") else (len(mode),))
    array = rng.integers(0, 65535 if mode == "I;16" else 255, shape).astype("<u2" if mode == "I;16" else "u1")
    image = Image.fromarray(array, mode if mode not in ("P", "1") else "L")
    if mode in ("P", "1"):
        image = image.convert(mode)
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def interlaced():
    """An Adam7 PNG of 3 x 3 gray pixels, which Pillow does not write: each of the passes that have pixels has rows with their filter bytes."""
    rows = b"\0\x10" + b"\0\x20" + b"\0\x30\x31" + b"\0\x40" + b"\0\x50" + b"\0\x60\x61\x62"
    chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 3, 3, 8, 0, 0, 0, 1)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def statistics(low, high, negative):
    positive = [0] * 9 + [3, 7, 2, 1]
    return {"count": 17, "zeros": 2, "nan": 0, "infinite": 0, "samples": 2, "min": low, "max": high, "sum_of_minima": [0, 0, 0, 0, 0], "sum_of_maxima": [1, 2, 0, 0, 0],
            "histogram": {"exponent": -3, "positive": positive, "negative": negative}}


def seeds(testdata):
    yield "loader", "attributes", attributes()
    yield "external_data", "tensor", wire.tensor("t", [2, 2], bytes(16))
    yield "external_data", "sequence", wire.data(1, "s") + wire.number(2, 1) + wire.data(3, wire.tensor("t", [2], bytes(8))) * 2
    models = {"chain": chain(), "attention": attention(), "quantized": quantized(), "lookup": lookup()}
    for name in MODELS:
        file = testdata / "node" / name / "model.onnx"
        if file.exists() and file.stat().st_size < 4096:
            models[name] = file.read_bytes()
    yield from (("loader", name, content) for name, content in models.items())
    for at, (name, content) in enumerate(models.items()):
        yield "pipeline", name, bytes([at % 13, 0]) + content
        yield "passes", name, bytes([at % 11]) + content
    for action in range(11):
        for name in ("chain", "attention", "quantized", "lookup"):
            yield "passes", f"{name}_{action}", bytes([action]) + models[name]
    for action in range(13):
        for name in ("chain", "attention", "quantized", "lookup"):
            yield "pipeline", f"{name}_{action}", bytes([action, 3 * action % 8]) + models[name]
    yield "external_data", "two_files", external()
    rng = np.random.default_rng(6)
    arrays = {"float": rng.random((2, 3), "f4"), "fortran": np.asfortranarray(rng.integers(0, 9, (3, 4, 2)).astype("<i2")), "big": np.arange(6, dtype=">i4").reshape(2, 3), "scalar": np.array(1.5),
              "bools": np.array([True, False, True]), "half": np.zeros(4, "f2"), "empty": np.zeros((0, 3), "f4"), "complex": np.ones(2, "c8"), "text": np.array(["ab"]), "fortran_big": np.asfortranarray(np.arange(6, dtype=">f8").reshape(2, 3))}
    for name, array in arrays.items():
        yield "npy", name, npy(array)
    yield "npy", "version2", npy(arrays["float"], (2, 0))
    yield "npy", "version3", npy(arrays["float"], (3, 0))
    yield "npz", "stored", npz(False, a=arrays["float"], b=arrays["bools"])
    yield "npz", "deflated", npz(True, a=arrays["big"], b=np.zeros((8, 8), "f4"))
    yield "npz", "folder", npz(False, **{"a/b": arrays["scalar"]})
    yield "npz", "none", b"PK\x05\x06" + bytes(18)
    pictures = {"rgb.png": picture("PNG", "RGB", (5, 4)), "gray.png": picture("PNG", "L", (4, 5)), "alpha.png": picture("PNG", "RGBA", (3, 3)), "palette.png": picture("PNG", "P", (4, 4)),
                "bits.png": picture("PNG", "1", (9, 3)), "wide.png": picture("PNG", "I;16", (3, 3)), "interlaced.png": interlaced(), "rgb.jpg": picture("JPEG", "RGB", (9, 8)),
                "gray.jpg": picture("JPEG", "L", (8, 9)), "progressive.jpg": picture("JPEG", "RGB", (9, 9), progressive=True), "cmyk.jpg": picture("JPEG", "CMYK", (8, 8))}
    lines = ["", "resize=8 crop=4 scale=1/255 mean=0.5,0.4,0.3 std=0.2,0.2,0.2", "color=gray filter=lanczos resize=6x9 layout=nhwc", "color=bgr dtype=float16 filter=bicubic resize=3", "dtype=uint8 filter=box resize=4x4",
             "filter=hamming resize=12 crop=5x6", "filter=nearest resize=7x3"]
    for at, (name, content) in enumerate(pictures.items()):
        yield "image", name, lines[at % len(lines)].encode() + b"\n" + content
    for at, line in enumerate(lines):
        yield "image", f"options_{at}", line.encode() + b"\n" + pictures["rgb.png"]
    recipe = {"schema": "mcompress/recipe", "schema_version": 1, "model": "model.onnx", "output": "small.onnx", "options": {"data": "calib/", "preset": "imagenet"},
              "steps": [{"command": "prune", "sparsity": 0.5}, {"command": "quantize", "effort": "balanced", "exclude": ["type:Softmax", "/head.*/"], "dynamic": True}],
              "validate": {"data": "eval/", "max-drop": 1.0}, "stamp": True}
    yield "recipe", "full", json.dumps(recipe, indent=1).encode()
    yield "recipe", "least", b'{"steps":[{"command":"optimize"}]}'
    table = {"schema": "mcompress/calibration-table", "schema_version": 1, "fingerprint": "0" * 32, "samples": 2,
             "values": {"x": statistics(-1.5, 1.25, [0, 0, 5]), "y/z": statistics(0.0, 2.0, []), "0": statistics(0.0, 0.0, [])}}
    yield "calibration", "table", json.dumps(table, separators=(",", ":")).encode()
    numbers = [4.0, 0.5, 1.0, 2.0, 0.25, 3.0, 10, 0]
    effect = {"id": "n", "samples": 2, "outputs": [numbers], "classifies": True, "rows": 2, "agreements": 1, "divergence": 0.1, "local": numbers}
    state = {"schema": "mcompress/sensitivity-state", "schema_version": 1, "quantized": "quantized", "data": "data", "effects": [effect]}
    yield "calibration", "state", json.dumps(state).encode()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--testdata", type=pathlib.Path, default=pathlib.Path("/usr/include/onnx/backend/test/data"))
    arguments = parser.parse_args()
    for target, name, content in seeds(arguments.testdata):
        folder = arguments.out / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"seed_{name}").write_bytes(content)


if __name__ == "__main__":
    main()
