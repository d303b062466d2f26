#!/usr/bin/env python3
"""large_model.py BIN [--gigabytes 3] [--folder DIR] : peak memory of commands on a model far larger than a command may hold twice.

The model is a chain of MatMul with random float32 weights in external data. Asked: at most 1.3 times its weights and 256 MB (acceptance A14), and calibration whose
memory does not grow with the number of samples. Needs the model's size and that of one output on disk."""
import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../bad"))
import wire  # noqa: E402

SIDE = 8192
LAYER_BYTES = SIDE * SIDE * 4
COMMANDS = {
    "inspect": ["inspect", "{model}"],
    "inspect --sizes": ["inspect", "{model}", "--sizes"],
    "check": ["check", "{model}"],
    "diff": ["diff", "{model}", "{model}"],
    "optimize": ["optimize", "{model}", "-o", "{out}"],
    "prune": ["prune", "{model}", "--sparsity", "0.5", "-o", "{out}"],
    "weight-only int8": ["quantize", "{model}", "--weight-only", "int8", "-o", "{out}"],
    "weight-only int4": ["quantize", "{model}", "--weight-only", "int4", "-o", "{out}"],
    "convert fp16": ["convert", "{model}", "--to", "fp16", "-o", "{out}"],
}


def write_model(folder, layers):
    """A row of 1 MB of normal numbers, shifted from layer to layer: random enough, and quickly made."""
    generator = random.Random(3)
    block = b"".join(wire.struct.pack("<4096f", *(generator.gauss(0.0, 0.01) for _ in range(4096))) for _ in range(64))
    with open(os.path.join(folder, "weights.bin"), "wb") as data:
        for layer in range(layers):
            for row in range(LAYER_BYTES // len(block)):
                shift = 4 * ((layer * 977 + row * 131) % (len(block) // 4))
                data.write(block[shift:] + block[:shift])
    initializers = [wire.external(f"w{layer}", (SIDE, SIDE), [("location", "weights.bin"), ("offset", str(layer * LAYER_BYTES)), ("length", str(LAYER_BYTES))])
                    for layer in range(layers)]
    nodes = [wire.node("MatMul", [f"x{layer}", f"w{layer}"], [f"x{layer + 1}"], f"product{layer}") for layer in range(layers)]
    graph = wire.graph(nodes, [wire.value("x0", ("rows", SIDE))], [wire.value(f"x{layers}", ("rows", SIDE))], initializers)
    path = os.path.join(folder, "large.onnx")
    with open(path, "wb") as model:
        model.write(wire.model(graph))
    return path, layers * LAYER_BYTES


def run(words):
    """Exit code, peak resident bytes, seconds, end of the messages."""
    done = subprocess.run(["/usr/bin/time", "-f", "PEAK %M %e"] + words, capture_output=True, text=True)
    _, kilobytes, seconds = done.stderr.strip().splitlines()[-1].split()
    return done.returncode, int(kilobytes) * 1024, float(seconds), done.stderr[-300:]


def measure(binary, folder, gigabytes, only):
    model, weights = write_model(folder, max(1, round(gigabytes * (1 << 30) / LAYER_BYTES)))
    allowed = 1.3 * weights + 256e6
    known = subprocess.run([binary, "--help"], capture_output=True, text=True).stdout
    failed = 0
    print(f"weights {weights / 1e6:.0f} MB, allowed {allowed / 1e6:.0f} MB")
    for name, words in COMMANDS.items():
        if only not in name:
            continue
        if f"  {words[0]} " not in known:
            print(f"{name:20} not a command of this build")
            continue
        output = os.path.join(folder, "out")
        shutil.rmtree(output, ignore_errors=True)
        os.mkdir(output)
        code, peak, seconds, message = run([binary, "-q"] + [word.format(model=model, out=os.path.join(output, "out.onnx")) for word in words])
        good = code == 0 and peak <= allowed + (weights if words.count("{model}") > 1 else 0)  # of both models
        failed += not good
        print(f"{name:20} {'ok    ' if good else 'FAILED'} peak {peak / 1e6:6.0f} MB = {peak / weights:.2f} x weights, {seconds:.1f} s{'' if code == 0 else f', exit {code}: {message}'}", flush=True)
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--gigabytes", type=float, default=3.0)
    parser.add_argument("--only", default="", help="commands whose name contains this")
    parser.add_argument("--folder", help="where there is room for three times as much")
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="mcompress-large-", dir=options.folder)
    if shutil.disk_usage(folder).free < 3 * options.gigabytes * (1 << 30):
        print("SKIPPED: not enough room on the disk")
        return 77
    try:
        return 1 if measure(options.binary, folder, options.gigabytes, options.only) else 0
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
