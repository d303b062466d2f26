#!/usr/bin/env python3
"""Measures our engine against ONNX Runtime on networks of the standard shapes, and prints the table of docs/performance.md.

    measure_networks.py BIN WORK [--seconds S] [--only NAME] [--json OUT]

BIN is the folder of mcompress, bench_engine and make_network (ninja bench_engine make_network); WORK keeps models and inputs from run to run. ORT_NODE names
the folder of npm's onnxruntime-node. With MCOMPRESS_ASSETS the real classifiers are measured as well. Run it on a machine that does nothing else.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PICTURE, TOKENS = (3, 224, 224), (128, 768)
REAL = {"mobilenet_v2": "mobilenet_v2_torchvision", "squeezenet": "squeezenet1_1_gluon", "mobilenet_v1_025": "mobilenet_v1_025_224"}
# name, shape of a sample, versions, batch sizes
CASES = [("resnet50", PICTURE, ["int8", "fp32"], [1, 8]), ("mobilenet_v2", PICTURE, ["int8", "fp32"], [1, 8]), ("squeezenet", PICTURE, ["int8"], [1, 8]),
         ("mobilenet_v1_025", PICTURE, ["int8"], [1, 8]), ("bert-base", TOKENS, ["int8", "dynamic", "fp32"], [1, 8]), ("bert-base-fused", TOKENS, ["dynamic", "fp32"], [1]),
         ("vit-base", PICTURE, ["int8"], [1]), ("decoder-prompt", (128, 1024), ["fp32", "int4"], [1]), ("decoder-token", (1, 1024), ["fp32", "int4"], [1])]
LENGTHS = {"decoder-prompt": 128, "decoder-token": 512}  # of the text so far


def run(*command):
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def inputs(work, shape):
    files = {}
    for batch in (1, 8):
        files[batch] = os.path.join(work, f"input_{batch}x{'x'.join(map(str, shape))}.npy")
        if not os.path.exists(files[batch]):
            np.save(files[batch], np.random.default_rng(0).standard_normal((batch,) + shape).astype(np.float32))
    return files


def text_lengths(work, total):
    """The inputs of a decoder that say how long the text is: in all, and of each sample without its newest token."""
    files = [os.path.join(work, f"{kind}_{total}.npy") for kind in ("total", "lengths")]
    np.save(files[0], np.array(total, np.int32))
    np.save(files[1], np.array([total - 1], np.int32))
    return files


def prepare(binaries, work, name, version, data):
    """The model in a version: int4 is the form that ONNX Runtime's builder of such models writes, blocks of 32 around 0. Weights are random or trained, calibration is on random numbers: timings do not depend on either."""
    if name in REAL:
        assets = os.environ.get("MCOMPRESS_ASSETS")
        if not assets:
            return None
        source = os.path.join(assets, "models", REAL[name] + ".onnx")
    else:
        source = os.path.join(work, f"{name}.onnx")
        if not os.path.exists(source):
            run(os.path.join(binaries, "make_network"), name, source)
    if version == "fp32":
        return source
    target = os.path.join(work, f"{name}.{version}.onnx")
    if not os.path.exists(target):
        how = {"dynamic": ["--dynamic"], "int4": ["--weight-only", "int4", "--rounding", "rtn", "--zero-points", "none"]}
        how = how.get(version, ["--data", data, "--allow-unfit-data"])  # noise, which is all that timings need
        run(os.path.join(binaries, "mcompress"), "-q", "quantize", source, *how, "-o", target)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bin")
    parser.add_argument("work")
    parser.add_argument("--seconds", default="6")
    parser.add_argument("--only")
    parser.add_argument("--json")
    options = parser.parse_args()
    built = {name: os.path.getmtime(os.path.join(options.bin, name)) for name in ("mcompress", "bench_engine")}
    if built["bench_engine"] < built["mcompress"]:  # it is not built with everything else
        print("bench_engine is older than mcompress, perhaps with another engine: ninja bench_engine", file=sys.stderr)
    os.makedirs(options.work, exist_ok=True)
    results = []
    print("| network | version | batch | threads | ours ms | ONNX Runtime ms | ratio | spread of rounds |\n|---|---|---|---|---|---|---|---|")
    for name, shape, versions, batches in CASES:
        if options.only and options.only != name:
            continue
        files = inputs(options.work, shape)
        lengths = text_lengths(options.work, LENGTHS[name]) if name in LENGTHS else []
        for version in versions:
            model = prepare(options.bin, options.work, name, version, files[8])
            if not model:
                print(f"{name} left out: MCOMPRESS_ASSETS is not set", file=sys.stderr)
                continue
            for batch in batches if version != "fp32" else [1]:
                out = os.path.join(options.work, "measured.json")
                run(os.path.join(HERE, "against_onnxruntime.py"), os.path.join(options.bin, "bench_engine"), "--seconds", options.seconds, "--json", out,
                    f"{model}:{','.join([*lengths, files[batch]])}")
                with open(out) as file:
                    for r in json.load(file):
                        results.append({"network": name, "version": version, "batch": batch, **r})
                        print(f"| {name} | {version} | {batch} | {r['threads']} | {r['ours_ms']:.3f} | {r['ort_ms']:.3f} | **{r['ratio']:.2f}** | "
                              f"{r['spread'][0]:.2f} – {r['spread'][1]:.2f} |", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
