#!/usr/bin/env python3
"""same_bytes.py BIN [--adopt LIBRARY] [--root DIR] [--models digits|assets] [--only NAME] : whether a command writes the same bytes whatever surrounds it.

Every case (a model and a command that writes) runs once as it is, and again with other numbers of threads, another working directory, time zone, locale, umask, order of the
data's directory entries, fill of fresh memory, address layout, processors to run on and name of the model's folder. What it writes (the model, its report as JSON and HTML,
the calibration table) must be the same bytes each time. The locales, one that writes 0,5 and one whose i and I are no pair, are made from Debian's `locales`, and without those nothing
is tested. --adopt names adopted_locale.cpp's library: with it the program takes them over in the middle of its run, as a program around the library may. Times a report shows are blanked: they are named in TIMES, and nothing else may differ."""
import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile

EXAMPLE = "--color gray --scale 1/255 --mean 0.5 --std 0.25"
EXAMPLE_COMMANDS = {
    "optimize": "optimize {model}",
    "quantize": "quantize {model} --data {data} {flags} --limit 24",
    "quantize-max": "quantize {model} --data {data} {flags} --limit 12 --effort max",
    "dynamic": "quantize {model} --dynamic",
    "weights": "quantize {model} --weight-only int4 --block 32",
    "qoperator": "quantize {model} --data {data} {flags} --limit 16 --effort fast --quant-format qoperator",
    "prune": "prune {model} --sparsity 0.7 --data {data} {flags} --limit 24",
    "channels": "prune {model} --pattern channels --macs 0.7 --data {data} {flags} --limit 24",
    "half": "convert {model} --to fp16 --data {data} {flags} --limit 8",
    "cluster": "cluster {model} --bits 4",
    "factorize": "factorize {model} --ratio 0.7 --time macs --data {data} {flags} --limit 16",
    "calibrate!": "calibrate {model} --data {data} {flags} --limit 24",
    "pack": "pack {model}",
}
# Ten models of the assets: convolutional, residual, depthwise, transformer, features and bytes. The large ones are quantized without fitting, which takes minutes in all.
FAST, FULL = "--effort fast", ""
IMAGENET = "--preset imagenet"
ASSET_MODELS = {
    "mobilenet_v2_torchvision": ("imagenet/calib", IMAGENET, FAST),
    "mobilenet_v1_025_224": ("imagenet/calib", "--preset imagenet-tf", FAST),
    "squeezenet1_1_gluon": ("imagenet/calib", IMAGENET, FAST),
    "resnet20_cifar10": ("cifar10/calib.npy", "", FULL),
    "mlperftiny_resnet8_cifar10": ("cifar10/calib_raw_u8.npy", "", FULL),
    "kws_dscnn_fp32": ("kws/calib.npy", "", FULL),
    "mnist_burn_cnn": ("mnist/calib.npy", "", FULL),
    "stm_efficientnet_lc_v1_224_flowers": ("flowers/calib", "--resize 224x224 --scale 1 --mean 127.5 --std 127.5", FAST),
    "magika_v3_3": ("magika/bytes.npy", "", FAST),
    "stories260k_llama": ("text/tinystories_calib_tokens.npy", "", FULL),
}
ASSET_COMMANDS = {
    "optimize": "optimize {model}",
    "quantize": "quantize {model} --data {data} {flags} --limit 12 {effort}",
    "weights": "quantize {model} --weight-only int4 --block 32",
    "prune": "prune {model} --sparsity 0.5",
    "half": "convert {model} --to fp16",
    "cluster": "cluster {model} --bits 6",
}
# Reports show how long a step took, and what a latency was: not what is promised to be equal.
TIMES = [re.compile(rb'"(\w*seconds|\w*_ms|milliseconds)":\s*[-+0-9.e]+'), re.compile(rb"\d+(\.\d+)?\s*(ms|s|min)\b"),
         re.compile(rb'<td class="number">\d+\.\d</td></tr>')]  # the last column of the table of passes
LOCALES = {"tr": "tr_TR.UTF-8", "de": "de_DE.UTF-8"}
EXTENSIONS = {"calibrate!": "json", "pack": "mcz"}
# A command whose name ends in ! has no report.


def reversed_copy(folder, into):
    """The same data in a folder whose entries were made in reverse order, at other times."""
    if not os.path.isdir(folder):
        shutil.copyfile(folder, into)
        return into
    os.makedirs(into)
    for name in sorted(os.listdir(folder), reverse=True):
        shutil.copyfile(os.path.join(folder, name), os.path.join(into, name))
        os.utime(os.path.join(into, name), (1000000000, 1000000000))
    return into


def make_locales(folder):
    """The environment in which they are found; that they are, and differ from C's, is checked."""
    environment = {"LOCPATH": folder}
    for name in LOCALES.values():
        language, charset = name.split(".")
        # Warnings about a locale's own text end in exit code 1; whether it is there is seen below.
        done = subprocess.run(["localedef", "-i", language, "-f", charset, os.path.join(folder, name)], capture_output=True, text=True)
        point = subprocess.run([sys.executable, "-c", "import locale; locale.setlocale(locale.LC_ALL, ''); print(locale.localeconv()['decimal_point'])"],
                               env={**os.environ, **environment, "LC_ALL": name}, capture_output=True, text=True)
        if point.stdout.strip() != ",":
            raise RuntimeError(f"the locale {name} cannot be made (apt-get install locales): {(done.stderr or point.stderr)[-300:]}")
    return environment


def variants(scratch, model, data, locales, adopt):
    """name → (words before the command, environment, what of the command is replaced, working directory)."""
    plain = {"threads": 1}
    copied_model = os.path.join(scratch, "Ünsere Modelle", os.path.basename(model))
    os.makedirs(os.path.dirname(copied_model))
    shutil.copyfile(model, copied_model)
    rows = {"again": plain}
    for threads in (2, 3, 8):
        rows[f"threads {threads}"] = {"threads": threads}
    rows["working directory"] = {"cwd": scratch}
    rows["relative paths"] = {"cwd": os.path.dirname(model), "model": "./" + os.path.basename(model)}
    rows["time zone"] = {"env": {"TZ": "Pacific/Kiritimati"}}
    for short, name in LOCALES.items():
        environment = {**locales, "LC_ALL": name, "LANG": name, "LC_NUMERIC": name}
        rows[f"locale {short}"] = {"env": environment}
        if adopt:
            rows[f"locale {short} adopted"] = {"env": {**environment, "LD_PRELOAD": adopt}}
    rows["umask"] = {"umask": 0o077}
    rows["fresh memory"] = {"env": {"MALLOC_PERTURB_": "165"}}
    rows["address layout"] = {"prefix": ["setarch", "-R"]}
    rows["one processor"] = {"prefix": ["taskset", "-c", "0"], "threads": 2}
    rows["model elsewhere"] = {"model": copied_model}
    rows["no home"] = {"env": {"HOME": "/nonexistent", "XDG_CACHE_HOME": "/nonexistent"}}
    if data:
        rows["directory order"] = {"data": reversed_copy(data, os.path.join(scratch, "other-" + os.path.basename(data)))}
    return rows


class Case:
    def __init__(self, binary, name, command, model, data, flags):
        self.binary, self.name, self.command, self.model, self.data, self.flags = binary, name, command, model, data, flags

    def digests(self, scratch, threads=1, cwd=None, env=None, umask=0o022, prefix=(), model=None, data=None):
        folder = tempfile.mkdtemp(dir=scratch)
        output = os.path.join(folder, "out." + EXTENSIONS.get(self.name.split("/")[-1], "onnx"))
        words = self.command.format(model="@MODEL@", data="@DATA@", flags=self.flags).split()
        replaced = {"@MODEL@": model or self.model, "@DATA@": data or self.data}
        words = [replaced.get(word, word) for word in words]
        report = os.path.join(folder, "report.html")
        reports = [] if self.name.endswith("!") else ["--format", "json", "--report", report]
        words = list(prefix) + [self.binary, "-q", "--threads", str(threads)] + words + ["-o", output] + reports
        done = subprocess.run(words, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, preexec_fn=lambda: os.umask(umask), timeout=900)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-400:]}")
        found = {"json": blanked(done.stdout, folder, replaced, cwd)}
        for entry in sorted(os.listdir(folder)):
            content = open(os.path.join(folder, entry), "rb").read()
            found[entry] = blanked(content, folder, replaced, cwd) if entry.endswith((".html", ".json")) else content
        shutil.rmtree(folder)
        return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}, found


def blanked(content, folder, replaced, cwd):
    """Without times, and with the paths the caller chose as placeholders: a report names what it was asked for."""
    for path, name in [(folder, b"OUT"), (replaced["@MODEL@"], b"MODEL"), (replaced["@DATA@"], b"DATA")]:
        if path:
            for form in {path.encode(), path.encode("ascii", "backslashreplace")}:
                content = content.replace(form, name)
    for pattern in TIMES:
        content = pattern.sub(b"TIME", content)
    return content


def cases_of(options):
    if options.models == "digits":
        base = os.path.join(options.root, "examples/digits")
        for name, command in EXAMPLE_COMMANDS.items():
            yield Case(options.binary, f"digits/{name}", command, f"{base}/digits.onnx", f"{base}/calib", EXAMPLE)
        return
    assets = os.environ["MCOMPRESS_ASSETS"]
    for model, (data, flags, effort) in ASSET_MODELS.items():
        for name, command in ASSET_COMMANDS.items():
            yield Case(options.binary, f"{model}/{name}", command.replace("{effort}", effort), f"{assets}/models/{model}.onnx", f"{assets}/data/{data}", flags)


def check(case, locales, adopt):
    scratch = tempfile.mkdtemp(prefix="mcompress-bytes-")
    differing = 0
    try:
        wanted, content = case.digests(scratch)
        rows = variants(scratch, case.model, case.data, locales, adopt)
        for name, row in rows.items():
            found, other = case.digests(scratch, **row)
            for entry in sorted(set(wanted) | set(found)):
                if wanted.get(entry) != found.get(entry):
                    differing += 1
                    print(f"DIFFERS {case.name}: {entry} with {name}{first_difference(content.get(entry), other.get(entry))}", flush=True)
        print(f"{'ok     ' if differing == 0 else 'FAILED '} {case.name}: {len(rows) + 1} runs, {len(wanted)} files each", flush=True)
        return len(rows) + 1, differing
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def first_difference(a, b):
    if a is None or b is None:
        return ": written in one run only"
    at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f": byte {at} of {len(a)} and {len(b)}: {a[max(0, at - 40):at + 40]!r} and {b[max(0, at - 40):at + 40]!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary", type=os.path.abspath)
    parser.add_argument("--adopt", type=os.path.abspath)
    parser.add_argument("--root", type=os.path.abspath, default=os.path.abspath(os.path.join(os.path.dirname(__file__), "../..")))
    parser.add_argument("--models", choices=["digits", "assets"], default="digits")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    if options.models == "assets" and not os.path.isdir(os.environ.get("MCOMPRESS_ASSETS", "")):
        print("SKIPPED: MCOMPRESS_ASSETS names no folder")
        return 77
    with tempfile.TemporaryDirectory(prefix="mcompress-locales-") as folder:
        locales = make_locales(folder)
        totals = [check(case, locales, options.adopt) for case in cases_of(options) if options.only in case.name]
    print(f"{len(totals)} cases, {sum(runs for runs, _ in totals)} runs, {sum(differing for _, differing in totals)} differences")
    return 1 if not totals or any(differing for _, differing in totals) else 0


if __name__ == "__main__":
    sys.exit(main())
