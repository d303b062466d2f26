#!/usr/bin/env python3
"""Lets system calls of writing commands fail, one after the other, and checks that the output holds the old bytes or all of the new ones and nothing is left beside it.

strace makes the Nth call of a kind fail (ENOSPC, EIO, EINTR) or ends the process at it (SIGKILL, SIGTERM). --kills N also ends the process N times at random,
--short-writes LIBRARY preloads short_writes.so, by which each write() takes only some bytes."""
import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

DIGITS = "examples/digits/digits.onnx"
IMAGES = "--color gray --scale 1/255 --mean 0.5 --std 0.25"
COMMANDS = {
    "optimize": f"optimize {DIGITS}",
    "quantize": f"quantize {DIGITS} --data examples/digits/calib {IMAGES} --limit 16 --effort fast",
    "weights": f"quantize {DIGITS} --weight-only int8",
    "prune": f"prune {DIGITS} --sparsity 0.5",
    "half": f"convert {DIGITS} --to fp16",
    "recipe": "run {folder}/recipe.json",
}
RECIPE = '{"model": "%s", "steps": [{"command": "optimize"}, {"command": "quantize", "weight-only": "int8"}]}' % DIGITS
# Calls that change files. In a name of several, the one this machine's C library uses is counted.
CALLS = ["openat", "write", "fsync", "rename", "unlink", "close", "mkdir", "flock", "fchmod", "unlinkat"]
FAULTS = ["error=ENOSPC", "error=EIO", "error=EINTR", "signal=KILL", "signal=TERM"]
OLD = b"what was there before\n"


class Trial:
    def __init__(self, binary, name):
        self.binary, self.name = binary, name
        self.folder = tempfile.mkdtemp(prefix="mcompress-fault-")
        self.output = os.path.join(self.folder, "out.onnx")
        open(os.path.join(self.folder, "recipe.json"), "w").write(RECIPE)
        self.words = [binary, "-q"] + COMMANDS[name].replace("{folder}", self.folder).split() + ["--force", "-o", self.output]
        self.reset()
        subprocess.run(self.words, check=True, capture_output=True)
        self.new = open(self.output, "rb").read()

    def reset(self):
        for entry in os.listdir(self.folder):
            path = os.path.join(self.folder, entry)
            if entry != "recipe.json":
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
        open(self.output, "wb").write(OLD)

    def left(self):
        return sorted(set(os.listdir(self.folder)) - {"recipe.json", "out.onnx"})

    def count(self, call):
        """How often the command makes a call on files of its output folder (descriptors shown with their paths)."""
        log = os.path.join(self.folder, "log")
        subprocess.run(["strace", "-f", "-y", "-e", f"trace={call}", "-o", log] + self.words, capture_output=True)
        numbers = []
        total = 0
        for line in open(log, errors="replace"):
            if not re.search(rf"\b{call}\(", line):
                continue
            total += 1
            if self.folder in line:
                numbers.append(total)
        os.unlink(log)
        return numbers

    def run(self, call, fault, number):
        self.reset()
        done = subprocess.run(["strace", "-f", "-e", f"trace={call}", "-e", f"inject={call}:{fault}:when={number}", "-o", "/dev/null"] + self.words,
                              capture_output=True, text=True)
        return self.problem(done.returncode, call, fault)

    def problem(self, code, call, fault):
        found = open(self.output, "rb").read() if os.path.exists(self.output) else None
        if found not in (OLD, self.new):
            return f"{'nothing' if found is None else len(found)} bytes that are neither the old nor the new ones"
        if code == 0 and found != self.new:
            return "exit code 0 without the new bytes"
        # A kill cannot be answered, and what cannot be opened or removed stays; the next run removes it.
        if "KILL" in fault or call.startswith("unlink") or call == "openat":
            subprocess.run(self.words, check=True, capture_output=True)
        if self.left():
            return f"left behind: {', '.join(self.left())}"
        if "error" in fault and code not in (0, 4):
            return f"exit code {code}"
        if "TERM" in fault and code not in (0, 143, -15):
            return f"exit code {code} after SIGTERM"
        return None


def short_writes(trial, library):
    for most in (1, 7, 4095):
        trial.reset()
        environment = dict(os.environ, LD_PRELOAD=library, MCOMPRESS_SHORT_WRITES=str(most))
        done = subprocess.run(trial.words, capture_output=True, env=environment)
        problem = trial.problem(done.returncode, "", "short")
        if problem or done.returncode != 0:
            yield f"{most} bytes a write: {problem or f'exit code {done.returncode}'}"


def random_kills(trial, count, chance):
    begin = time.monotonic()
    subprocess.run(trial.words, capture_output=True)
    usual = time.monotonic() - begin
    for _ in range(count):
        trial.reset()
        process = subprocess.Popen(trial.words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.random() * usual * 1.1)
        process.kill()
        problem = trial.problem(process.wait(), "", "KILL")
        if problem:
            yield problem


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--root", required=True)
    parser.add_argument("--only", default="", help="one command")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--short-writes", default="", help="short_writes.so")
    parser.add_argument("--most", type=int, default=3, help="faults a call and kind; they are spread over the calls on the output's files")
    arguments = parser.parse_args()
    if not shutil.which("strace"):
        print("strace is not installed: tools/install-deps.sh --for test installs it")
        return 1
    arguments.binary = os.path.abspath(arguments.binary)
    arguments.short_writes = arguments.short_writes and os.path.abspath(arguments.short_writes)
    os.chdir(arguments.root)
    runs = failures = 0
    chance = random.Random(7)
    for name in COMMANDS:
        if arguments.only and name != arguments.only:
            continue
        trial = Trial(arguments.binary, name)
        for call in CALLS:
            numbers = trial.count(call)
            step = max(1, -(-len(numbers) // arguments.most))
            for fault in FAULTS:
                for number in numbers[::step]:
                    problem = trial.run(call, fault, number)
                    runs += 1
                    if problem:
                        failures += 1
                        print(f"FAILED {name}, {call} number {number}, {fault}: {problem}")
        for problem in random_kills(trial, arguments.kills, chance):
            failures += 1
            print(f"FAILED {name}, killed: {problem}")
        runs += arguments.kills
        if arguments.short_writes:
            runs += 3
            for problem in short_writes(trial, arguments.short_writes):
                failures += 1
                print(f"FAILED {name}, short writes: {problem}")
        shutil.rmtree(trial.folder)
    print(f"{runs} runs, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
