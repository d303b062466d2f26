#!/usr/bin/env python3
"""Plants bugs, one at a time, and has the fuzz targets find them: planted.py BUILD [--seconds N] [NAME …]; planted.py --check.

Each planted/*.patch names its target and what is wrong. It is applied to a copy of the one file it changes, which is compiled and linked in front of the libraries of BUILD
(preset fuzz), so that neither the sources nor BUILD are touched. Fuzzing begins with the corpus, without the inputs of past findings. Exit code 1 when a bug is not found.
--check only applies the patches.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
OPTIONS = ["-max_len=8192", "-timeout=10", "-rss_limit_mb=2048", "-malloc_limit_mb=512", "-entropic=0", "-print_funcs=0", "-print_final_stats=1"]


class Bug:
    def __init__(self, patch):
        self.patch = patch
        self.name = patch.stem
        text = patch.read_text()
        self.target = re.search(r"^Target: (.+)$", text, re.M).group(1)
        self.what = re.search(r"^Bug: (.+)$", text, re.M).group(1)
        self.file = re.search(r"^\+\+\+ b/(.+)$", text, re.M).group(1)

    def apply(self, folder):
        """A copy of the changed file, below `folder`."""
        copy = folder / self.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / self.file).read_bytes())
        done = subprocess.run(["patch", "-p1", "-s", "-d", str(folder), "-i", str(self.patch)], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.name} does not apply any more: {done.stdout}{done.stderr}")
        return copy


def build(bug, build_folder, folder):
    """The target with the bug in it."""
    copy, planted, program = bug.apply(folder), folder / "planted.o", folder / f"fuzz_{bug.target}"
    entry = next(each for each in json.loads((build_folder / "compile_commands.json").read_text()) if each["file"] == str(ROOT / bug.file))
    command = shlex.split(entry["command"])
    command[command.index("-o") + 1] = str(planted)
    command[command.index("-c") + 1] = str(copy)
    subprocess.run(command, cwd=entry["directory"], check=True)
    steps = subprocess.run(["ninja", "-C", str(build_folder), "-t", "commands", f"bin/fuzz_{bug.target}"], capture_output=True, text=True, check=True).stdout
    link = shlex.split(steps.strip().splitlines()[-1].strip(": &"))
    link[link.index("-o") + 1] = str(program)
    link.insert(next(at for at, word in enumerate(link) if word.endswith(".a")), str(planted))  # the library's own object is not taken then
    subprocess.run(link, cwd=build_folder, check=True)
    return program


def hunt(bug, program, folder, seconds):
    """(found, seconds, executions, what was said)"""
    corpus = folder / "corpus"
    corpus.mkdir()
    begin = time.monotonic()
    done = subprocess.run([program, f"-max_total_time={seconds}", *OPTIONS, f"-artifact_prefix={folder}/", corpus, HERE / "corpus" / bug.target], capture_output=True, text=True,
                          errors="replace", env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"})
    spent = time.monotonic() - begin
    runs = re.search(r"^stat::number_of_executed_units: *(\d+)", done.stderr, re.M)
    said = re.search(r"(runtime error: .*|ERROR: AddressSanitizer: \S+|ERROR: libFuzzer: .*|^fuzz: .*|Assertion .*)", done.stderr, re.M)
    return done.returncode != 0, spent, int(runs.group(1)) if runs else 0, said.group(1)[:110] if said else f"exit code {done.returncode}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_intermixed_args()
    bugs = [Bug(patch) for patch in sorted((HERE / "planted").glob("*.patch"))]
    missed = 0
    for bug in bugs:
        if arguments.names and not any(bug.name.startswith(name) for name in arguments.names):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            if arguments.check:
                bug.apply(folder)
                continue
            found, seconds, runs, said = hunt(bug, build(bug, arguments.build.resolve(), folder), folder, arguments.seconds)
            missed += not found
            print(f"{bug.name:26} {bug.target:14} {'found' if found else 'MISSED':7} {seconds:6.1f} s {runs:8} executions  {said}", flush=True)
    return 1 if missed or len(bugs) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
