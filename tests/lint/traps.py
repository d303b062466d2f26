#!/usr/bin/env python3
"""docs/traps.md has a row for each of the 30 traps, and every test that a row names exists."""
import os
import re

import source_tree

DOC = "docs/traps.md"
COUNT = 30
ROW = re.compile(r"^\| *(\d+) *\|(.*)\|(.*)\|$", re.M)
NAMED = re.compile(r"`(tests/[^`:]+)`: \"([^\"]+)\"")
WITHOUT = "no test:"
CASE = re.compile(r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"')


def cases(root):
    found = {}
    for path in source_tree.files(root, "tests", endings=(".cpp",)):
        found[path] = CASE.findall(source_tree.read(root, path))
    return found


def check(root):
    if not os.path.exists(os.path.join(root, DOC)):
        return ["%s: is missing" % DOC]
    known, findings, numbers = cases(root), [], []
    for number, _, tests in ROW.findall(source_tree.read(root, DOC)):
        numbers.append(int(number))
        named = NAMED.findall(tests)
        if not named and not tests.strip().startswith(WITHOUT):
            findings.append("%s: trap %s names no test, and no reason why there is none" % (DOC, number))
        for path, name in named:
            if name not in known.get(path, []):
                findings.append("%s: trap %s: %s has no test \"%s\"" % (DOC, number, path, name))
    if numbers != list(range(1, COUNT + 1)):
        findings.append("%s: the rows are not 1 to %d" % (DOC, COUNT))
    return findings


if __name__ == "__main__":
    source_tree.main(check)
