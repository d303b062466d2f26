#!/usr/bin/env python3
"""Runs the examples of a page of docs/ as they stand: every bash block whose first line says "# test: passes" or "# test: fails with N, naming "…" and "…"".
Each runs in a folder of its own that has the repository's examples in it, with mcompress on the path."""
import argparse
import os
import re
import subprocess
import sys
import tempfile


def blocks_of(page):
    for match in re.finditer(r"^```bash\n# test: ([^\n]*)\n(.*?)^```", page, re.M | re.S):
        yield match.group(1), match.group(2)


def problem_of(outcome, script, binary, root):
    expected = re.match(r"fails with (\d+)", outcome)
    with tempfile.TemporaryDirectory(prefix="mcompress-docs-") as folder:
        os.symlink(os.path.join(root, "examples"), os.path.join(folder, "examples"))
        environment = dict(os.environ, PATH=os.path.dirname(os.path.abspath(binary)) + ":" + os.environ["PATH"])
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    code = int(expected.group(1)) if expected else 0
    if done.returncode != code:
        return f"exit code {done.returncode} in place of {code}\n{done.stdout[-500:]}\n{done.stderr[-500:]}"
    missing = [part for part in re.findall(r'"([^"]+)"', outcome) if part not in done.stdout]
    return f"{missing} are not named in\n{done.stdout}" if missing else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("page")
    parser.add_argument("--root", required=True)
    arguments = parser.parse_args()
    blocks = list(blocks_of(open(arguments.page).read()))
    failures = 0
    for at, (outcome, script) in enumerate(blocks, 1):
        problem = problem_of(outcome, script, arguments.binary, arguments.root)
        print(f"example {at} ({outcome}): {'FAILED: ' + problem if problem else 'ok'}")
        failures += problem is not None
    return 1 if failures or not blocks else 0


if __name__ == "__main__":
    sys.exit(main())
