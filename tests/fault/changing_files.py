#!/usr/bin/env python3
"""Inputs that another process cuts off or writes to while they are read (B14 of the catalogue): exit code 4, a message that says what was found and what to do, nothing on standard output,
the old output untouched and nothing left beside it. changing_file.so makes the change at a moment of the run, so that nothing depends on timing."""
import argparse
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bad"))
from wire import *

SIDE, LAYERS = 128, 6
PAGE = 4096
OLD = b"what was there before\n"
CUT = "error[E4005]: {where}{path} changed while it was read: it has {left} bytes, and had {had} when it was opened\n"
WRITTEN = "error[E4005]: {where}{path} was written to while it was read; it should stay as it was when it was opened\n"
LOST = "error[E4005]: {where}{path} was cut off and replaced while it was read; it had {had} bytes when it was opened\n"
HELP = "  help: let nothing write to inputs while they are read: write a new file and rename it\n"
SAVED = ["-o", "{f}/out/o.onnx", "--force"]
CALIBRATED = ["quantize", "{f}/inside.onnx", "--data", "{f}/d.npy", "--effort", "fast", *SAVED]
# Title, words, changed file, moment, what is done to it, message. A fault ends the process where it happens; what is found by asking says where it was asked.
CASES = [
    ("model, mapped", ["optimize", "{f}/inside.onnx", *SAVED], "inside.onnx", "mapped", "0", CUT),
    ("model, mapped, inspect", ["inspect", "{f}/inside.onnx", "--json"], "inside.onnx", "mapped", "0", CUT),
    ("model, mapped, its second half", ["inspect", "{f}/inside.onnx", "--sizes", "--json"], "inside.onnx", "mapped", str(40 * PAGE), CUT),
    ("model, mapped, a few bytes", ["check", "{f}/inside.onnx"], "inside.onnx", "mapped", "-8", CUT),
    ("model, mapped, written to", ["inspect", "{f}/inside.onnx", "--json"], "inside.onnx", "mapped", "write", WRITTEN),
    ("model, mapped, replaced", ["optimize", "{f}/inside.onnx", *SAVED], "inside.onnx", "mapped", "lose", LOST),
    ("data file, mapped", ["optimize", "{f}/outside.onnx", *SAVED], "weights.bin", "mapped", "0", CUT),
    ("data file, mapped, two threads", ["--threads", "2", "quantize", "{f}/outside.onnx", "--weight-only", "int8", *SAVED], "weights.bin", "mapped", str(PAGE), CUT),
    ("data file, mapped, sizes", ["inspect", "{f}/outside.onnx", "--sizes", "--json"], "weights.bin", "mapped", "0", CUT),
    ("model, while written", ["optimize", "{f}/inside.onnx", *SAVED], "inside.onnx", "output", "0", CUT),
    ("data file, while written", ["optimize", "{f}/outside.onnx", *SAVED], "weights.bin", "output", str(PAGE), CUT),
    ("data file, while written, written to", ["prune", "{f}/outside.onnx", "--sparsity", "0.5", *SAVED], "weights.bin", "output", "write", WRITTEN),
    ("samples, mapped", CALIBRATED, "d.npy", "mapped", "0", CUT),
    ("samples, mapped, written to", CALIBRATED, "d.npy", "mapped", "write", WRITTEN),
    ("recipe with a folder of its own", ["run", "{f}/recipe.json", *SAVED], "weights.bin", "output", "0", CUT),
]


def chain(initializers):
    nodes = [node("MatMul", [f"x{at}", f"w{at}"], [f"x{at + 1}"], f"product{at}") for at in range(LAYERS)]
    return model(graph(nodes, [value("x0", (1, SIDE))], [value(f"x{LAYERS}", (1, SIDE))], initializers))


def make_inputs(folder):
    chance = random.Random(7)
    weights = [struct.pack("<%df" % (SIDE * SIDE), *(chance.gauss(0, 0.1) for _ in range(SIDE * SIDE))) for _ in range(LAYERS)]
    size = len(weights[0])
    samples = struct.pack("<%df" % (64 * SIDE), *(chance.gauss(0, 1) for _ in range(64 * SIDE)))
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (64, %d), }" % SIDE
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    contents = {
        "inside.onnx": chain([tensor(f"w{at}", [SIDE, SIDE], each) for at, each in enumerate(weights)]),
        "outside.onnx": chain([external(f"w{at}", [SIDE, SIDE], [("location", "weights.bin"), ("offset", str(at * size)), ("length", str(size))]) for at in range(LAYERS)]),
        "weights.bin": b"".join(weights),
        "d.npy": b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + samples,
        "recipe.json": ('{"model": "%s/outside.onnx", "steps": [{"command": "optimize"}, {"command": "quantize", "weight-only": "int8"}]}' % folder).encode(),
    }
    for name, content in contents.items():
        path = os.path.join(folder, name)
        open(path, "wb").write(content)
        os.utime(path, (1e9, 1e9))  # whoever writes to it later changes the time
    os.makedirs(os.path.join(folder, "out"), exist_ok=True)
    open(os.path.join(folder, "out", "o.onnx"), "wb").write(OLD)


def run(arguments, folder, words, change=None):
    environment = dict(os.environ, LD_PRELOAD=arguments.library)
    if change:
        environment["MCOMPRESS_CHANGE"] = change
    return subprocess.run([arguments.binary, "-q"] + [word.replace("{f}", folder) for word in words], capture_output=True, env=environment, timeout=60)


def problem_of(arguments, folder, words, name, moment, action, expected):
    make_inputs(folder)
    good = run(arguments, folder, words)
    if good.returncode != 0:
        return f"without a change, exit code {good.returncode}: {good.stderr.decode()}"
    make_inputs(folder)
    path = os.path.join(folder, name)
    had = os.path.getsize(path)
    left = had + int(action) if action.startswith("-") else action
    done = run(arguments, folder, words, f"{moment} {left} {path}")
    said = done.stderr.decode(errors="replace")
    if done.returncode != 4:
        return f"exit code {done.returncode}: {said}"
    wanted = [expected.format(where=where, path=path, left=left, had=had) + HELP for where in places(folder, words)]
    if said not in wanted:
        return f"said {said!r}, not one of {wanted}"
    if done.stdout:
        return "something on standard output"
    if open(os.path.join(folder, "out", "o.onnx"), "rb").read() != OLD:
        return "the old output is gone"
    extra = sorted(set(os.listdir(os.path.join(folder, "out"))) - {"o.onnx"})
    return f"left behind: {', '.join(extra)}" if extra else None


def places(folder, words):
    """What may stand before the file's name: the frames that an Error gathers where it was thrown, none where the process ended at a fault."""
    model_path = next((word.replace("{f}", folder) for word in words if word.endswith(".onnx")), "")
    return ["", f"while loading {model_path}: ", f"in {model_path}: ", f"in {folder}/recipe.json: step 1 (optimize): "]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("library", type=os.path.abspath, help="changing_file.so")
    parser.add_argument("--only", default="", help="cases whose title contains this")
    arguments = parser.parse_args()
    failures = 0
    for title, words, name, moment, action, expected in CASES:
        if arguments.only not in title:
            continue
        with tempfile.TemporaryDirectory(prefix="mcompress-change-") as folder:
            problem = problem_of(arguments, folder, words, name, moment, action, expected)
        failures += problem is not None
        print(f"{'FAILED' if problem else 'ok    '} {title}{': ' + problem if problem else ''}", flush=True)
    with tempfile.TemporaryDirectory(prefix="mcompress-change-") as folder:
        make_inputs(folder)
        done = run(arguments, folder, CASES[0][1], f"mapped signal {folder}/inside.onnx")
        print(f"{'ok    ' if done.returncode == -7 else 'FAILED'} a SIGBUS that no file is the reason of: {done.returncode}")
        failures += done.returncode != -7
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
