#!/usr/bin/env python3
"""Lets the Nth allocation of a command fail, for N = 1, 2, 3 ... until there are no more: once with that allocation alone, once with all that follow it as well.

Whatever fails, the command must not crash or hang. It ends with exit code 5, an error message with a remedy, nothing (or everything) on standard output and the old output untouched or complete; or
with exit code 0 and everything it would have given otherwise, where something could be done without. --share F tries the numbers up to 400, and then ever larger steps of F."""
import argparse
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "bad"))
from wire import *

COMMANDS = {
    "inspect": "inspect {f}/m.onnx --json",
    "optimize": "optimize {f}/m.onnx -o {f}/out/o.onnx --force",
    "quantize": "quantize {f}/m.onnx --data {f}/d.npy --effort fast -o {f}/out/o.onnx --force",
    "weights": "quantize {f}/m.onnx --weight-only int8 -o {f}/out/o.onnx --force",
    "prune": "prune {f}/m.onnx --sparsity 0.5 -o {f}/out/o.onnx --force",
    "validate": "validate {f}/m.onnx {f}/m.onnx --data {f}/d.npy --latency-seconds 0 --json",
}
OLD = b"what was there before\n"


def fifty_nodes():
    """Twelve blocks Conv, BatchNormalization, Relu, Add, then pooling, Flatten and Gemm."""
    chance = random.Random(3)
    values = lambda count, spread=0.5: [chance.uniform(-spread, spread) for _ in range(count)]
    channels, nodes, weights, before = 4, [], [], "x"
    for at in range(12):
        weights.append(floats(f"w{at}", (channels, channels, 3, 3), values(channels * channels * 9)))
        nodes.append(node("Conv", [before, f"w{at}"], [f"c{at}"], f"conv{at}", [attr_ints("pads", [1, 1, 1, 1])]))
        for part, base in (("scale", 1), ("shift", 0), ("mean", 0), ("variance", 1)):
            weights.append(floats(f"{part}{at}", (channels,), [base + each for each in values(channels, 0.1)]))
        nodes.append(node("BatchNormalization", [f"c{at}"] + [f"{part}{at}" for part in ("scale", "shift", "mean", "variance")], [f"b{at}"], f"norm{at}"))
        nodes.append(node("Relu", [f"b{at}"], [f"r{at}"], f"relu{at}"))
        nodes.append(node("Add", [f"r{at}", before], [f"a{at}"], f"add{at}"))
        before = f"a{at}"
    nodes.append(node("GlobalAveragePool", [before], ["pooled"], "pool"))
    nodes.append(node("Flatten", ["pooled"], ["flat"], "flatten"))
    weights.append(floats("fc", (channels, 5), values(channels * 5)))
    nodes.append(node("Gemm", ["flat", "fc"], ["y"], "gemm"))
    return model(graph(nodes, [value("x", (1, channels, 6, 6))], [value("y", (1, 5))], weights))


def samples():
    chance = random.Random(5)
    payload = struct.pack("<%df" % (32 * 4 * 36), *(chance.gauss(0, 1) for _ in range(32 * 4 * 36)))
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (32, 4, 6, 6), }"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + payload


class Server:
    """A command, forked for each request just before main()."""

    def __init__(self, arguments, name, at):
        self.folder = os.path.join(arguments.home, f"{name}-{at}")
        os.makedirs(os.path.join(self.folder, "out"))
        for file, content in (("m.onnx", fifty_nodes()), ("d.npy", samples())):
            open(os.path.join(self.folder, file), "wb").write(content)
        self.output = os.path.join(self.folder, "out", "o.onnx")
        self.writes = "{f}/out/o.onnx" in COMMANDS[name]
        requests, self.requests = os.pipe()
        self.answers, answers = os.pipe()
        self.streams = [open(os.path.join(self.folder, stream), "w+b") for stream in ("stdout", "stderr")]
        words = [arguments.binary, "--threads", str(arguments.threads)] + COMMANDS[name].replace("{f}", self.folder).split()
        environment = dict(os.environ, LD_PRELOAD=arguments.library, MCOMPRESS_FAULT_FDS=f"{requests},{answers}", OMP_NUM_THREADS="1")
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.streams[0], stderr=self.streams[1], env=environment,
                                        pass_fds=(requests, answers))
        os.close(requests), os.close(answers)
        self.answers = os.fdopen(self.answers)

    def close(self):
        os.close(self.requests)
        self.process.wait()
        shutil.rmtree(self.folder)

    def run(self, number, mode):
        """Exit code (negative: the signal), allocations asked for and failed, standard output and error, and the output file."""
        for stream in self.streams:
            stream.seek(0)
            stream.truncate(0)
        if self.writes:
            open(self.output, "wb").write(OLD)
        os.write(self.requests, f"{number} {mode}\n".encode())
        answer = self.answers.readline()
        if not answer:
            sys.exit("the preloaded library does not answer: " + open(self.streams[1].name).read())
        status, asked, failed = map(int, answer.split())
        said = []
        for stream in self.streams:  # the program shares the position
            stream.seek(0)
            said.append(stream.read())
        found = open(self.output, "rb").read() if os.path.exists(self.output) else b""
        return os.waitstatus_to_exitcode(status), asked, failed, said[0], said[1], found

    def leftovers(self):
        extra = [name for name in os.listdir(os.path.join(self.folder, "out")) if name != "o.onnx"]
        for name in extra:
            os.unlink(os.path.join(self.folder, "out", name))
        return extra


def timeless(output):
    """Without milliseconds, and the width of the column they are in."""
    return re.sub(rb"[ -]+", b" ", re.sub(rb"\d+\.\d+", b"#", output))


def problem_of(server, outcome, good):
    code, _, _, output, errors, found = outcome
    extra = server.leftovers()
    if extra:
        return "left behind: " + ", ".join(extra)
    if code == 0:
        return None if (timeless(output), found) == (timeless(good[3]), good[5]) else "exit code 0, but another result"
    if code != 5:
        return f"exit code {code}"
    if b"error[E5002]" not in errors or b"help: " not in errors:
        return "exit code 5 without its message"
    if output and timeless(output) != timeless(good[3]):
        return "exit code 5, but a part of the result on standard output"
    # What fails once the file is complete, as the report about it, leaves it.
    return None if found in (OLD if server.writes else b"", good[5]) else "exit code 5, but another output file"


def numbers(total, share):
    number, step = 1, 1.0
    while number <= total:
        yield number
        if number >= 400:
            step *= 1.0 + share
        number += int(step)


def sweep(arguments, name, mode, worker):
    server = Server(arguments, name, f"{mode}-{worker}")
    good = server.run(1 << 60, "once")
    if good[0] != 0:
        return [f"{name}: without a failure, exit code {good[0]}: {good[4].decode(errors='replace')}"], 0, 0, good[1]
    problems, runs, survived = [], 0, 0
    # Threads make the number of allocations vary a little; the sweep ends where none failed any more.
    for number in numbers(good[1], arguments.share):
        if runs % arguments.workers != worker and not arguments.at:
            runs += 1
            continue
        runs += 1
        number = arguments.at or number
        outcome = server.run(number, mode)
        if outcome[2] == 0:
            if outcome[0] != 0:
                problems.append(f"{name} {mode} {number}: exit code {outcome[0]} though nothing failed")
            continue
        survived += outcome[0] == 0
        problem = problem_of(server, outcome, good)
        if problem:
            problems.append(f"{name} {mode} {number}: {problem}: {outcome[4].decode(errors='replace').strip()[-300:]}")
        if arguments.at:
            print(outcome[0], outcome[4].decode(errors="replace"))
            break
    server.close()
    return problems, len(range(worker, runs, arguments.workers)), survived, good[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("library", help="failing_allocations.so")
    parser.add_argument("--only", default="", help="one command")
    parser.add_argument("--mode", default="", help="once or on")
    parser.add_argument("--at", type=int, default=0, help="one number, and what is said")
    parser.add_argument("--share", type=float, default=0.0, help="by which share the step grows beyond 400; 0: every number")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    arguments.binary = os.path.abspath(arguments.binary)
    arguments.library = os.path.abspath(arguments.library)
    arguments.home = tempfile.mkdtemp(prefix="mcompress-allocations-")
    failures = 0
    for name in COMMANDS:
        for mode in ("once", "on"):
            if (arguments.only and name != arguments.only) or (arguments.mode and mode != arguments.mode):
                continue
            with ThreadPoolExecutor(arguments.workers) as pool:
                parts = list(pool.map(lambda worker: sweep(arguments, name, mode, worker), range(arguments.workers)))
            problems = [problem for part in parts for problem in part[0]]
            failures += len(problems)
            print(f"{name}, {mode}: {parts[0][3]} allocations, {sum(part[1] for part in parts)} runs, {sum(part[2] for part in parts)} without harm, "
                  f"{len(problems)} failures", flush=True)
            for problem in problems[:20]:
                print("FAILED " + problem)
    shutil.rmtree(arguments.home)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
