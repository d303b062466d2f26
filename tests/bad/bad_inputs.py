#!/usr/bin/env python3
"""Gives every input of the catalogue (cases.py) to mcompress and checks what comes of it: exit code, error code, what is said, that nothing is written and
nothing printed, time and memory. The messages are golden: MCOMPRESS_UPDATE_GOLDEN=1 rewrites them."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import CASES

LIMIT_SECONDS, LIMIT_MEGABYTES = 1.0, 300
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "messages.txt")


def run(command, as_nobody):
    """Exit code, output, errors, seconds of the processor, megabytes."""
    def prepare():
        if as_nobody:
            os.setuid(65534)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=prepare)
    timer = threading.Timer(60.0, process.kill)
    timer.start()
    # Both pipes are read while it runs; its own use of the machine is known once it was waited for.
    said = []
    reader = threading.Thread(target=lambda: said.append(process.stderr.read()))
    reader.start()
    output = process.stdout.read()
    reader.join()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    timer.cancel()
    return process.returncode, output, said[0], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def files_in(folder):
    return sorted(os.path.relpath(os.path.join(where, name), folder) for where, _, names in os.walk(folder) for name in names)


def problems_of(outcome, part, folder, before, result):
    code, output, errors, seconds, megabytes = result
    expected, _, error_code = outcome.partition(" ")
    found = []
    if code != int(expected):
        found.append(f"exit code {code} in place of {expected}")
    if error_code and f"error[{error_code}".encode() not in errors:
        found.append(f"no error {error_code}")
    if part and part.encode() not in errors + (output if expected == "0" else b""):
        found.append(f"'{part}' is not named")
    if expected != "0":
        if output:
            found.append("something on standard output")
        if files_in(folder) != before:
            found.append("files are left: " + ", ".join(set(files_in(folder)) - set(before)))
        if b"help: " not in errors:
            found.append("no remedy")
    if any(byte < 32 and byte not in (10,) or byte == 127 for byte in errors):
        found.append("control characters on standard error")
    if seconds > LIMIT_SECONDS:
        found.append(f"{seconds:.2f} s of processor time")
    if megabytes > LIMIT_MEGABYTES:
        found.append(f"{megabytes:.0f} MB")
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--only", default="", help="cases whose identifier begins so")
    parser.add_argument("--slow", action="store_true", help="a build with sanitizers: neither time nor memory is judged")
    parser.add_argument("-v", action="store_true", help="print every message")
    arguments = parser.parse_args()
    home = tempfile.mkdtemp(prefix="mcompress-bad-")
    os.chmod(home, 0o777)
    failures, messages, most = 0, [], 0.0
    for at, (identifier, make, command, outcome, part) in enumerate(CASES):
        if not identifier.startswith(arguments.only):
            continue
        folder = os.path.join(home, str(at))
        os.makedirs(os.path.join(folder, "out"))
        make(folder)
        for name in ("", "out"):
            os.chmod(os.path.join(folder, name), 0o777)
        before = files_in(folder)
        as_nobody = identifier.startswith("B02") and os.getuid() == 0
        # Nobody may not look into the folders of root, where the program may have been built.
        binary = shutil.copy(arguments.binary, home) if as_nobody else arguments.binary
        words = [binary, "-q"] + [word.replace("{f}", folder) for word in command.split()]
        result = run(words, as_nobody)
        most = max(most, result[4])
        said = result[2].decode(errors="replace").replace(folder, "DIR").strip()
        messages.append(f"{identifier}: {result[0]}\n" + "".join(f"    {line[:400]}\n" for line in said.split("\n") if line))
        if arguments.v:
            print(messages[-1], end="")
        problems = problems_of(outcome, part, folder, before, result[:3] + (0.0, 0.0) if arguments.slow else result)
        if problems:
            failures += 1
            print(f"FAILED {identifier}: {'; '.join(problems)}\n    {said[:600]}")
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(home, ignore_errors=True)
    text = "".join(messages)
    if not arguments.only:
        if os.environ.get("MCOMPRESS_UPDATE_GOLDEN"):
            open(GOLDEN, "w").write(text)
        elif not os.path.exists(GOLDEN) or open(GOLDEN).read() != text:
            failures += 1
            print("FAILED: messages differ from messages.txt")
    kinds = len({identifier.split()[0] for identifier, *_ in CASES})
    print(f"{len(messages)} inputs of {kinds} kinds, {failures} failures, at most {most:.0f} MB")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
