#!/usr/bin/env python3
"""sample_count.py BIN --root DIR [--model MODEL --data ...] : peak memory of calibrate and quantize with 100 and with more samples of 3 x 224 x 224, from pictures and from an array, and of
3 x 32 x 32. Asked: less than 5 % between them. With --model: quantize of that model on that data, with --samples counts.

With one thread: what two of them hold at a time varies by as much."""
import argparse
import os
import random
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "../bad"))
from dry_run import peak_of  # noqa: E402
from wire import attr_ints, floats, graph, model, node, value  # noqa: E402

SIDE, SMALL_SIDE, SAMPLES = 224, 32, 1000
ALLOWED = 0.05
RUNS = 3  # the least of them: where the heap's pages come to lie makes some MB


def network(side):
    """Four strided convolutions of growing width, and pooling."""
    chance = random.Random(3)
    nodes, weights, before, channels = [], [], "x", 3
    for at, width in enumerate((16, 32, 64, 64)):
        weights.append(floats(f"w{at}", (width, channels, 3, 3), [chance.gauss(0, 0.2) for _ in range(width * channels * 9)]))
        nodes.append(node("Conv", [before, f"w{at}"], [f"c{at}"], f"conv{at}", [attr_ints("pads", [1, 1, 1, 1]), attr_ints("strides", [2, 2])]))
        nodes.append(node("Relu", [f"c{at}"], [f"r{at}"], f"relu{at}"))
        before, channels = f"r{at}", width
    nodes.append(node("GlobalAveragePool", [before], ["y"], "pool"))
    return model(graph(nodes, [value("x", (1, 3, side, side))], [value("y", (1, channels, 1, 1))], weights))


def write_array(path, side):
    chance = random.Random(5)
    count = 10 * 3 * side * side
    block = struct.pack("<%df" % count, *(chance.random() for _ in range(count)))
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 3, %d, %d), }" % (SAMPLES, side, side)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
        for at in range(SAMPLES // 10):
            shift = 4 * 7919 * at % len(block)
            out.write(block[shift:] + block[:shift])


def link_pictures(folder, root):
    os.makedirs(folder)
    source = os.path.join(root, "examples/digits/calib")
    pictures = sorted(each for each in os.listdir(source) if each.endswith(".png"))
    for at in range(SAMPLES):
        os.symlink(os.path.join(source, pictures[at % len(pictures)]), os.path.join(folder, f"{at:04}.png"))


def growth(name, words, counts):
    """Prints the peaks by the number of samples; False where one of them is too high."""
    peaks = []
    for count in counts:
        runs = [peak_of([*words, "--limit", str(count)]) for _ in range(RUNS)]
        if any(code != 0 for code, *_ in runs):
            print(f"FAILED {name}, {count} samples: {runs[0]}")
            return False
        peaks.append(min(peak for _, peak, *_ in runs))
    more = max(peaks) / peaks[0] - 1
    shown = ", ".join(f"{peak / 1e6:.1f} MB with {count}" for peak, count in zip(peaks, counts))
    print(f"{'ok    ' if more < ALLOWED else 'FAILED'} {name}: {shown} samples: {100 * more:+.1f} %", flush=True)
    return more < ALLOWED


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--root", required=True, type=os.path.abspath)
    parser.add_argument("--model", type=os.path.abspath)
    parser.add_argument("--samples", default="100,300,1000")
    parser.add_argument("--data", nargs=argparse.REMAINDER, default=[], help="the last one: where the samples are, and how they are prepared")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mcompress-samples-") as folder:
        path = os.path.join(folder, "network.onnx")
        output = ["-o", os.path.join(folder, "out"), "--force"]
        command = ["env", "-C", folder, arguments.binary, "-q", "--threads", "1"]
        efforts = ("fast", "balanced")
        if arguments.model:
            counts = [int(each) for each in arguments.samples.split(",")]
            passed = [growth(f"quantize --effort {effort}", [*command, "quantize", arguments.model, "--data", *arguments.data, "--effort", effort, *output], counts) for effort in efforts]
            return 0 if all(passed) else 1
        small = os.path.join(folder, "small.onnx")
        for name, side, array in ((path, SIDE, "samples.npy"), (small, SMALL_SIDE, "small.npy")):
            open(name, "wb").write(network(side))
            write_array(os.path.join(folder, array), side)
        link_pictures(os.path.join(folder, "pictures"), arguments.root)
        prepared = ["--resize", f"{SIDE}x{SIDE}", "--color", "rgb", "--scale", "1/255"]
        # A path of few letters takes no memory of the heap, one of many does: small blocks between large ones must not make a difference.
        sources = {"pictures": [os.path.join(folder, "pictures"), *prepared], "pictures, short path": ["pictures", *prepared], "array": ["samples.npy"]}
        passed = [growth(f"calibrate, {name}", [*command, "calibrate", path, "--data", *data, "--allow-unfit-data", *output], (SAMPLES // 10, SAMPLES)) for name, data in sources.items()]
        for effort in efforts:
            words = [*command, "quantize", path, "--data", "samples.npy", "--allow-unfit-data", "--effort", effort, *output]
            passed.append(growth(f"quantize --effort {effort}, array", words, (SAMPLES // 10, 3 * SAMPLES // 10, SAMPLES)))
        # Pages around a small sample come with it when it is read out of order. (Fitting wants 8192 rows of a layer, 8 MB at most: of so small a network a hundred samples have fewer.)
        words = [*command, "quantize", small, "--data", "small.npy", "--allow-unfit-data", "--effort", "fast", *output]
        passed.append(growth("quantize --effort fast, array of small samples", words, (SAMPLES // 10, 3 * SAMPLES // 10, SAMPLES)))
    return 0 if all(passed) else 1


if __name__ == "__main__":
    sys.exit(main())
