#!/usr/bin/env python3
"""Times models in our engine and in ONNX Runtime, in alternating blocks of runs, and prints the ratios of the medians.

    against_onnxruntime.py BENCH_ENGINE [--threads 1,2] [--seconds S] [--json OUT] MODEL:INPUT.npy[,INPUT.npy…] …

BENCH_ENGINE is the program of `ninja bench_engine`; ORT_NODE names the folder of npm's onnxruntime-node. Both run the same file on the same
inputs with the same number of threads, each in a process of its own that waits while the other runs. A ratio below 1 means that ours is faster.
The spread is the range of the ratios of single rounds without their outer tenths: it tells how quiet the machine was.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class Server:
    def __init__(self, command):
        # Threads of a waiting program must sleep at once, or they take the other's processor: a pause after each block lets them.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[0]} ended with {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(bench, model, inputs, threads, seconds):
    ours = Server([bench, model, "--serve", "--threads", str(threads)] + [word for file in inputs for word in ("--input", file)])
    theirs = Server(["node", os.path.join(HERE, "onnxruntime_serve.js"), model, str(threads)] + inputs)
    warm = statistics.median(ours.run(5) + theirs.run(5))
    block = max(3, min(40, int(60 / warm)))
    our_times, their_times, ratios = [], [], []
    end = time.time() + seconds
    while time.time() < end or len(ratios) < 7:
        rounds = []
        for server in (ours, theirs):
            time.sleep(0.01)
            server.run(1)
            rounds.append(server.run(block))
        our_times += rounds[0]
        their_times += rounds[1]
        ratios.append(statistics.median(rounds[0]) / statistics.median(rounds[1]))
    ours.close()
    theirs.close()
    ratios.sort()
    cut = len(ratios) // 10
    a, b = statistics.median(our_times), statistics.median(their_times)
    return {"model": os.path.basename(model), "inputs": [os.path.basename(i) for i in inputs], "threads": threads, "ours_ms": a, "ort_ms": b,
            "ratio": a / b, "ratio_of_minima": min(our_times) / min(their_times), "spread": [ratios[cut], ratios[-1 - cut]], "runs": len(our_times)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench")
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json")
    options = parser.parse_args()
    results = []
    print(f"{'model':34} {'inputs':18} {'threads':>7} {'ours ms':>9} {'ORT ms':>9} {'ratio':>6}  {'spread':12} {'of minima':>9}")
    for case in options.cases:
        model, _, inputs = case.partition(":")
        for threads in map(int, options.threads.split(",")):
            r = measure(options.bench, model, inputs.split(","), threads, options.seconds)
            results.append(r)
            print(f"{r['model']:34} {','.join(r['inputs']):18} {threads:7} {r['ours_ms']:9.3f} {r['ort_ms']:9.3f} {r['ratio']:6.2f}  "
                  f"{r['spread'][0]:.2f} – {r['spread'][1]:.2f}  {r['ratio_of_minima']:9.2f}", flush=True)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    main()
