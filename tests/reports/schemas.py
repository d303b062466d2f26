#!/usr/bin/env python3
"""Every command's JSON against its published schema (docs/schemas): nothing missing, nothing of another type, and nothing that the schema does not know. Then the
other way: in every report a field is taken out, added and given another type, and the schema has to refuse it."""
import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile

from json_schema import Schemas

DATA = "--data examples/digits/calib --color gray --scale 1/255 --mean 0.5 --std 0.25 --limit 40"
EVAL = DATA.replace("calib", "eval").replace(" --limit 40", " --limit 60")
DIGITS = "examples/digits/digits.onnx"
# Schema and command line; {t} is a folder. In this order: later ones read what earlier ones wrote.
COMMANDS = [
    ("inspect", f"inspect {DIGITS}"),
    ("inspect", f"inspect {DIGITS} --sizes"),
    ("check", f"check {DIGITS}"),
    ("check", "check {t}/cut.onnx"),
    ("optimize", f"optimize {DIGITS} -o {{t}}/optimized.onnx"),
    ("quantize", f"quantize {DIGITS} {DATA} --effort fast -o {{t}}/int8.onnx"),
    ("quantize", f"quantize {DIGITS} {DATA} --effort balanced --max-drop 0.5% --metric agreement -o {{t}}/budget.onnx"),
    ("quantize", f"quantize {DIGITS} {DATA} --effort fast --max-drop 0.0001 --metric sqnr -o {{t}}/missed.onnx"),
    ("quantize", f"quantize {DIGITS} -o {{t}}/weights.onnx"),
    ("quantize", f"quantize {DIGITS} --dynamic -o {{t}}/dynamic.onnx"),
    ("quantize", f"quantize {DIGITS} --weight-only int4 --block 16 --rounding hqq -o {{t}}/int4.onnx"),
    ("quantize", f"quantize {{t}}/int8.onnx --requantize {DATA} --effort fast -o {{t}}/again.onnx"),
    ("diff", f"diff {DIGITS} {{t}}/int8.onnx"),
    ("diff", f"diff {DIGITS} {DIGITS}"),
    ("convert", "convert {t}/int8.onnx --quant-format qoperator -o {t}/qoperator.onnx"),
    ("convert-float", f"convert {DIGITS} --to fp16 -o {{t}}/half.onnx"),
    ("convert-float", f"convert {DIGITS} --to fp16 {EVAL} --min-sqnr 75 -o {{t}}/half2.onnx"),
    ("convert-float", f"convert {DIGITS} --to fp16 {EVAL} --min-sqnr 400 -o {{t}}/missed.onnx"),
    ("validate", f"validate {DIGITS} {{t}}/int8.onnx {EVAL} --latency-seconds 0 --min-sqnr 90"),
    ("validate", f"validate {DIGITS} {{t}}/int8.onnx {EVAL} --latency-seconds 0.05 --min-agreement 50 --steps --emulate avx2"),
    ("bench", f"bench {DIGITS} --against {{t}}/int8.onnx --seconds 0.05 --steps"),
    ("sensitivity", f"sensitivity {DIGITS} {DATA}"),
    ("prune", f"prune {DIGITS} --sparsity 0.5 -o {{t}}/pruned.onnx"),
    ("prune", f"prune {DIGITS} --sparsity 0.9 --sparse-format coo {DATA} -o {{t}}/sparse.onnx"),
    ("prune", f"prune {DIGITS} --size 0.5 -o {{t}}/small.onnx"),
    ("prune", f"prune {DIGITS} --pattern channels --macs 0.8 {DATA} -o {{t}}/narrow.onnx"),
    ("compact", "compact {t}/pruned.onnx -o {t}/compact.onnx"),
    ("cluster", f"cluster {DIGITS} --bits 4 -o {{t}}/clustered.onnx"),
    ("cluster", f"cluster {DIGITS} --bits 2 --min-sqnr 60 -o {{t}}/missed.onnx"),
    ("factorize", f"factorize {DIGITS} --ratio 0.7 --time macs -o {{t}}/factorized.onnx"),
    ("factorize", f"factorize {DIGITS} --ratio 0.7 --time macs {DATA} --min-agreement 100 --min-sqnr 90 -o {{t}}/missed.onnx"),
    ("pack", f"pack {DIGITS} -o {{t}}/digits.mcz"),
    ("unpack", "unpack {t}/digits.mcz -o {t}/unpacked.onnx"),
    ("run", f"run {DIGITS} {EVAL} -o {{t}}/out.npz"),
    ("optimize", f"optimize {DIGITS} --stamp -o {{t}}/stamped.onnx"),
    ("verify-stamp", f"verify-stamp {{t}}/stamped.onnx --input {DIGITS}"),
    ("verify-stamp", "verify-stamp {t}/stamped.onnx --input {t}/stamped.onnx"),
    ("recipe-report", "run {t}/recipe.json"),
    ("dry-run", f"quantize {DIGITS} {DATA} --dry-run -o {{t}}/never.onnx"),
    ("dry-run", f"optimize {DIGITS} --dry-run -o {{t}}/optimized.onnx"),
    ("errors", "explain"),
]


def other_value(value):
    return 1 if isinstance(value, (dict, list, str, bool)) else {"no": "number"}


def mutations(report):
    """Reports with one thing wrong each, at every object of the first entry of every list."""
    def walk(value, path):
        if isinstance(value, dict):
            yield path
            for key, each in value.items():
                yield from walk(each, path + [key])
        elif isinstance(value, list) and value:
            yield from walk(value[0], path + [0])

    for path in walk(report, []):
        changed = copy.deepcopy(report)
        at = changed
        for key in path:
            at = at[key]
        at["surely_unknown"] = {"a": [1]}
        yield f"an unknown field at {path}", changed
    for key in report:
        changed = copy.deepcopy(report)
        changed[key] = other_value(report[key])
        yield f"another type of {key}", changed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--root", type=os.path.abspath, required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    schemas = Schemas(os.path.join(arguments.root, "docs", "schemas"))
    arguments.binary = os.path.abspath(arguments.binary)
    failures, refused, seen = [], 0, set()
    with tempfile.TemporaryDirectory(prefix="mcompress-schemas-") as folder:
        os.symlink(os.path.join(arguments.root, "examples"), os.path.join(folder, "examples"))
        open(os.path.join(folder, "cut.onnx"), "wb").write(open(os.path.join(arguments.root, DIGITS), "rb").read()[:5000])
        recipe = {"schema": "mcompress/recipe", "schema_version": 1, "model": DIGITS, "output": folder + "/of_recipe.onnx",
                  "steps": [{"command": "optimize"}, {"command": "quantize"}]}
        json.dump(recipe, open(os.path.join(folder, "recipe.json"), "w"))
        for name, command in COMMANDS:
            if not name.startswith(arguments.only):
                continue
            words = [arguments.binary, "-q", *command.replace("{t}", folder).split(), "--json"]
            done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=300)
            try:
                report = json.loads(done.stdout)
            except ValueError:
                failures.append(f"{command}: no report, exit code {done.returncode}: {done.stderr[-300:]}")
                continue
            seen.add(name)
            failures += [f"{command}: {each}" for each in schemas.problems(report, name + ".json")[:5]]
            for step in report["steps"] if name == "recipe-report" else []:
                failures += [f"{command}: {each}" for each in schemas.problems(step["report"], step["command"] + ".json")[:5]]
            for what, changed in mutations(report):
                free = name == "recipe-report" and "'report'" in what  # that of a step, held against its own schema
                if not free and not schemas.problems(changed, name + ".json") and not what.endswith(("opsets']", "operators']", "bytes_by_dtype']")):
                    failures.append(f"{command}: {what} is not refused")
                refused += 1
    if not arguments.only and (unseen := {name[:-5] for name in schemas.files} - seen - {"parts"}):
        failures.append(f"no command gave {unseen}")
    for failure in failures:
        print("FAILED " + failure)
    print(f"{len(COMMANDS)} reports of {len(seen)} kinds, {refused} mutations refused, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
