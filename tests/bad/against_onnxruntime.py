#!/usr/bin/env python3
"""Nothing that ONNX Runtime refuses is accepted by mcompress, except what onnxruntime_waivers.txt names with a reason.

Every model of libonnx-testdata and of the catalogue of bad inputs (cases.py) is loaded by ONNX Runtime (ORT_NODE, tests/interop/onnxruntime.js); what it refuses is given to
`mcompress optimize`. A waiver that is not needed any more is a failure too. What the runtime finds valid and has no kernel for is named in onnxruntime_unable.txt, with the reason."""
import argparse
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from cases import CASES

WAIVERS = os.path.join(HERE, "onnxruntime_waivers.txt")
UNABLE = os.path.join(HERE, "onnxruntime_unable.txt")
TESTDATA = os.environ.get("MCOMPRESS_ONNX_TESTDATA", "/usr/share/libonnx-testdata/data")
# What the runtime says of models that it finds valid and has no kernel for.
NO_KERNEL = re.compile(r"NOT_IMPLEMENTED|Could not find an implementation|not (?:yet )?supported")
# What it says without the locale that the published string normalizers ask for.
NO_LOCALE = "Failed to construct locale"


def reasons(file):
    """Pattern of a name → reason."""
    found = {}
    for line in open(file):
        if line.strip() and not line.startswith("#"):
            pattern, _, reason = line.strip().partition(": ")
            found[pattern] = reason
    return found


def bad_models(home):
    for at, (identifier, make, command, _, _) in enumerate(CASES):
        words = command.split()
        if words[0] == "optimize" and words[1].endswith("m.onnx"):
            folder = os.path.join(home, str(at))
            os.makedirs(os.path.join(folder, "out"))
            make(folder)
            path = words[1].replace("{f}", folder)
            # A pipe among the external data would keep the runtime waiting.
            if os.path.isfile(path) and "fifo" not in identifier and "device" not in identifier:
                yield identifier, path


def matching(patterns, name):
    return next((each for each in patterns if fnmatch.fnmatchcase(name, each)), None)


def make_locale(home):
    """The locale of the published string normalizers, where the machine has its source (Debian's package locales)."""
    folder = os.path.join(home, "locales")
    os.makedirs(folder)
    try:
        subprocess.run(["localedef", "-i", "en_US", "-f", "UTF-8", os.path.join(folder, "en_US.UTF-8")], capture_output=True, timeout=60)
    except FileNotFoundError:
        return
    os.environ["LOCPATH"] = folder


def loaded(paths, seconds):
    """What ONNX Runtime says of each file that it refuses; nothing when it did not come back."""
    script = os.path.join(HERE, "..", "interop", "onnxruntime.js")
    try:
        done = subprocess.run(["node", script, "load"] + paths, capture_output=True, text=True, errors="replace", timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode not in (0, 1):
        return None
    return {each["model"]: each["error"] for each in map(json.loads, done.stdout.splitlines())}


def refusals(models):
    """Name → what ONNX Runtime says. It loads many in one process; a file that ends the process or never comes back is refused as well."""
    said = {}

    def judge(names):
        refused = loaded([models[name] for name in names], 30 if len(names) > 1 else 20)
        if refused is not None:
            said.update((name, refused[models[name]]) for name in names if models[name] in refused)
        elif len(names) == 1:
            said[names[0]] = "it crashes, or never comes back"
        else:
            judge(names[:len(names) // 2])
            judge(names[len(names) // 2:])

    names = list(models)
    for at in range(0, len(names), 40):
        judge(names[at:at + 40])
    return said


def is_accepted(binary, path, out):
    done = subprocess.run([binary, "-q", "optimize", path, "-o", out, "--force"], capture_output=True, timeout=60)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("-v", action="store_true", help="print what is waived and why the runtime refuses it")
    arguments = parser.parse_args()
    if not os.environ.get("ORT_NODE"):
        print("INTEROP NOT RUN: ORT_NODE is not set")
        return 0
    home = tempfile.mkdtemp(prefix="mcompress-differential-")
    make_locale(home)
    models = {"/".join(path.split("/")[-3:-1]): path for path in sorted(glob.glob(TESTDATA + "/*/*/model.onnx"))}
    published = len(models)
    models.update(bad_models(home))
    said = refusals(models)
    known, unable, used, without, failures = reasons(WAIVERS), reasons(UNABLE), set(), 0, 0
    for name, reason in said.items():
        if NO_LOCALE in reason:
            without += 1
            continue
        if NO_KERNEL.search(reason):
            pattern = matching(unable, name)
            used.add(pattern)
            failures += pattern is None
            if pattern is None:
                print(f"FAILED {name}: no reason is given why the runtime cannot load it: {reason[:300]}")
            continue
        if not is_accepted(arguments.binary, models[name], os.path.join(home, "o.onnx")):
            continue
        pattern = matching(known, name)
        used.add(pattern)
        if pattern is None or arguments.v:
            print(f"{'waived' if pattern else 'FAILED'} {name}: {reason[:300]}")
        failures += pattern is None
    for pattern in (set(known) | set(unable)) - used:
        failures += 1
        print(f"FAILED: the line '{pattern}' is not needed")
    kernels = sum(NO_KERNEL.search(reason) is not None for reason in said.values())
    print(f"{published} published and {len(models) - published} bad models: ONNX Runtime refuses {len(said)}, {kernels} of them for want of a kernel, each with its reason, {without} for want of a locale; "
          f"{len((used - {None}) & set(known))} waivers, {failures} failures")
    shutil.rmtree(home)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
