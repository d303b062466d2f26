#!/usr/bin/env python3
"""dry_run.py BIN --root DIR [--large GIGABYTES | --assets DIR] : what --dry-run foretells against the run itself. Asked: the size within 1 %, the peak memory within -10 and +50 %; nothing is
written, and what would go wrong is said with the exit code of the run.

Without more it checks sizes on the examples and problems; --large checks sizes and memory on a generated model; --assets those of real models, as a table."""
import argparse
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import large_model  # noqa: E402

SIZE, LEAST, MOST = 0.01, 0.90, 1.50
PICTURES = "--data {root}/examples/digits/calib --color gray --scale 1/255 --mean 0.5 --std 0.25 --limit 40"
DIGITS = "{root}/examples/digits/digits.onnx"
SMALL = [
    f"optimize {DIGITS}", f"optimize {DIGITS} --stamp", f"optimize {DIGITS} --sparse-format coo", f"quantize {DIGITS}", f"quantize {DIGITS} --dynamic",
    f"quantize {DIGITS} --weight-only int8 --block 16", f"quantize {DIGITS} --weight-only int4 --block 16 --rounding hqq",
    f"quantize {DIGITS} --weight-only int4 --block 16 --rounding gptq {PICTURES}", f"quantize {DIGITS} {PICTURES} --effort fast", f"quantize {DIGITS} {PICTURES}",
    f"quantize {DIGITS} {PICTURES} --effort max", f"quantize {DIGITS} {PICTURES} --effort fast --quant-format qoperator", f"quantize {DIGITS} {PICTURES} --stamp --max-drop 5%",
    f"convert {DIGITS} --to fp16", f"convert {DIGITS} --to bf16", f"convert {DIGITS} --to fp16 --io convert {PICTURES}", "convert {f}/int8.onnx --quant-format qoperator",
    f"prune {DIGITS} --sparsity 0.5", f"prune {DIGITS} --pattern 2:4", f"prune {DIGITS} --sparsity 0.5 {PICTURES}", f"prune {DIGITS} --sparsity 0.9 --sparse-format coo",
    f"compact {DIGITS}", f"cluster {DIGITS} --bits 4",
]
LARGE = ["optimize {m}", "quantize {m}", "quantize {m} --dynamic", "convert {m} --to fp16", "prune {m} --sparsity 0.5", "quantize {m} --data {f}/rows.npy --effort fast --allow-unfit-data"]
IMAGENET = "--data {a}/data/imagenet/calib --limit 64 --preset "
FROM_ARRAY = "--data {a}/data/%s/calib.npy --limit 64"
FLOWERS = "--data {a}/data/flowers/calib --limit 64 --preset imagenet-tf"
WITHOUT_DATA = [
    "optimize", "quantize", "quantize --dynamic", "quantize --weight-only int4", "quantize --weight-only int8", "convert --to fp16", "convert --to bf16", "prune --sparsity 0.5", "prune --pattern 2:4",
    "prune --sparsity 0.9 --sparse-format coo", "compact", "cluster --bits 4",
]
WITH_DATA = ["quantize --effort fast", "quantize", "quantize --weight-only int4 --rounding gptq", "convert --to fp16", "prune --sparsity 0.5"]
# The first ones served to find what the estimates left out, the others only to judge them.
ASSETS = {
    "mobilenet_v2_torchvision": IMAGENET + "imagenet", "squeezenet1_1_gluon": IMAGENET + "imagenet", "mobilenet_v1_025_224": IMAGENET + "imagenet-tf", "resnet20_cifar10": FROM_ARRAY % "cifar10",
    "kws_dscnn_fp32": FROM_ARRAY % "kws", "mnist_burn_cnn": FROM_ARRAY % "mnist", "g2p_en_gru_seq2seq": None, "yolox_nano": None, "magika_v3_3": None, "super_resolution_10": None, "sentiment_model": None,
}
JUDGES = {
    "resnet32_cifar10": FROM_ARRAY % "cifar10", "mlperftiny_resnet8_cifar10": "--data {a}/data/cifar10/calib_raw_u8.npy --limit 64", "stm_efficientnet_lc_v1_224_flowers": FLOWERS,
    "stm_mobilenet_v2_035_128_flowers": FLOWERS.replace("imagenet-tf", "imagenet-tf --resize 128x128 --crop none"), "stories260k_llama": None, "fastestdet": None, "picodet_s_320_coco": None, "ppocrv3_det": None,
    "scrfd_500m_kps": None, "dtln_1": None, "gtcrn": None, "silero_vad_16k_op15": None, "ultraface_rfb_320": None, "yunet_n_320": None, "style_candy": None, "rnnoise_gru": None, "nnsplit_en_lstm": None,
    "basic_pitch_nmp": None, "deeplabv3_mnv2_voc": None, "ten_vad": None,
}
# What is refused: words, exit code, error codes in their order.
PROBLEMS = [
    (f"optimize {DIGITS} -o {{f}}/there.onnx", 2, ["E1002"]),
    (f"optimize {DIGITS} -o {{f}}/no/such/out.onnx", 4, ["E4003"]),
    (f"quantize {DIGITS} --data {{f}}/nowhere -o {{f}}/out.onnx", 4, ["E4001"]),
    (f"quantize {DIGITS} --data {{f}}/nowhere -o {{f}}/there.onnx", 2, ["E1002", "E4001"]),
    (f"optimize {DIGITS} -o {DIGITS}", 2, ["E1003"]),
    ("optimize {f}/there.onnx -o {f}/out.onnx", 3, ["E3001"]),
    ("convert {f}/int8.onnx --to fp32 --exclude type:* -o {f}/out.onnx", 2, ["E1001"]),
    (f"prune {DIGITS} --pattern channels --macs 0.8 -o {{f}}/out.onnx", 2, ["E1001"]),
]
REFUSED = ["inspect {d}", "check {d}", "factorize {d} --ratio 0.7", "calibrate {d} --data {f}", "pack {d}", "validate {d} {d}", "run {d}"]


def contents(folder):
    return {name: open(os.path.join(folder, name), "rb").read() for name in sorted(os.listdir(folder)) if os.path.isfile(os.path.join(folder, name)) and os.path.getsize(os.path.join(folder, name)) < 1 << 26}


def peak_of(words):
    done = subprocess.run(["/usr/bin/time", "-f", "PEAK %M %e"] + words, capture_output=True, text=True)
    _, kilobytes, seconds = done.stderr.strip().splitlines()[-1].split()
    return done.returncode, int(kilobytes) * 1024, float(seconds), done.stderr[-300:]


def foretell(binary, words):
    done = subprocess.run([binary, "-q", *words, "--dry-run", "--json"], capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr


def compare(binary, command, folder, judge_memory):
    """A line of the table, and what is wrong."""
    output = os.path.join(folder, "out")
    os.makedirs(output, exist_ok=True)
    for name in os.listdir(output):
        os.unlink(os.path.join(output, name))
    words = command.split() + ["-o", os.path.join(output, "out.onnx"), "--threads", "2"]
    before = contents(folder)
    code, report, said = foretell(binary, words)
    if code != 0 or "prediction" not in report:
        return "", f"the dry run ended with {code}: {said}"
    if os.listdir(output) or contents(folder) != before:
        return "", "the dry run wrote something"
    foretold = report["prediction"]
    code, peak, seconds, said = peak_of([binary, "-q", *words])
    if code != 0:
        return "", f"the run ended with {code}: {said}"
    real = sum(os.path.getsize(os.path.join(output, name)) for name in os.listdir(output))
    size, memory = foretold["bytes"] / real, foretold["peak_memory_bytes"] / peak
    line = f"size {foretold['bytes']:>11} of {real:>11} = {100 * size:6.2f} %, memory {foretold['peak_memory_bytes'] / 1e6:7.1f} of {peak / 1e6:7.1f} MB = {memory:.2f}, time {foretold['seconds']:6.1f} of {seconds:6.1f} s"
    wrong = []
    if abs(size - 1) > SIZE:
        wrong.append("the size is more than 1 % off")
    if len(foretold["files"]) != len(os.listdir(output)):
        wrong.append(f"{len(foretold['files'])} files foretold, {len(os.listdir(output))} written")
    if judge_memory and not LEAST <= memory <= MOST:
        wrong.append("the memory is off")
    return line, "; ".join(wrong)


def check_problems(binary, folder, places):
    failures = []
    open(os.path.join(folder, "there.onnx"), "wb").write(b"no model at all\n")
    before = contents(folder)
    for command, expected, codes in PROBLEMS:
        code, report, _ = foretell(binary, command.format(**places).split())
        found = [each["code"] for each in report["problems"]] if report else None
        if (code, found) != (expected, codes):
            failures.append(f"{command}: exit code {code} with {found}, expected {expected} with {codes}")
    for command in REFUSED:
        done = subprocess.run([binary, *command.format(d=DIGITS.format(**places), **places).split(), "--dry-run"], capture_output=True, text=True)
        if done.returncode != 2 or done.stdout:
            failures.append(f"{command} takes --dry-run: exit code {done.returncode}")
    if contents(folder) != before:
        failures.append("something was written")
    return failures


def write_rows(path, rows):
    chance = random.Random(5)
    count = rows * large_model.SIDE
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }" % (rows, large_model.SIDE)
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    with open(path, "wb") as out:
        out.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % count, *(chance.gauss(0, 1) for _ in range(count))))


def commands_of(arguments, folder, places):
    if arguments.large:
        places["m"] = large_model.write_model(folder, max(1, round(arguments.large * (1 << 30) / large_model.LAYER_BYTES)))[0]
        write_rows(os.path.join(folder, "rows.npy"), 64)
        return LARGE
    if arguments.assets:
        commands = []
        for model, data in {**ASSETS, **JUDGES}.items():
            for command in WITHOUT_DATA + ([each + " " + data for each in WITH_DATA] if data else []):
                verb, _, rest = command.partition(" ")
                commands.append(f"{verb} {{a}}/models/{model}.onnx {rest}")
        return commands
    subprocess.run([arguments.binary, "-q", *f"quantize {DIGITS} {PICTURES} --effort fast -o {{f}}/int8.onnx".format(**places).split()], check=True, stdout=subprocess.DEVNULL)
    return SMALL


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--root", required=True, type=os.path.abspath)
    parser.add_argument("--large", type=float, default=0.0)
    parser.add_argument("--assets")
    parser.add_argument("--only", default="", help="commands that contain this")
    arguments = parser.parse_args()
    failures = []
    with tempfile.TemporaryDirectory(prefix="mcompress-dry-run-") as folder:
        places = {"root": arguments.root, "f": folder, "a": arguments.assets}
        for command in commands_of(arguments, folder, places):
            if arguments.only not in command:
                continue
            line, wrong = compare(arguments.binary, command.format(**places), folder, arguments.large or arguments.assets)
            shown = command.format(root="", f="", a="", m="large.onnx").replace("/models/", "")
            print(f"{'FAILED' if wrong else 'ok    '} {shown[:90]:90} {line}{' ' + wrong if wrong else ''}", flush=True)
            failures += [command] if wrong else []
        if not arguments.large and not arguments.assets:
            problems = check_problems(arguments.binary, folder, places)
            failures += problems
            for each in problems:
                print("FAILED " + each)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
