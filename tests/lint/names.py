#!/usr/bin/env python3
"""One verb_object name is a pass's row, file, golden folder and doc heading; no file or folder has a name that says nothing."""
import os
import re

import source_tree

REGISTRY = "src/passes/registry.cpp"
GOLDEN = "tests/golden/passes"
DOC = "docs/passes.md"

EMPTY_WORDS = {"core", "common", "utils", "util", "utilities", "helpers", "helper", "misc", "manager"}
EXCEPTIONS = {"pass_manager"}
VERBS = {"eliminate", "fold", "deduplicate", "fuse", "insert", "strip", "convert", "quantize", "prune", "compact", "factorize", "cluster",
         "share", "correct", "equalize", "smooth", "order"}

ROW = re.compile(r'\{\s*\.?(?:name\s*=\s*)?"([a-z0-9]+(?:-[a-z0-9]+)*)"')
HEADING = re.compile(r"^#+\s+`?([a-z0-9]+(?:-[a-z0-9]+)+|compact)`?\s*$", re.M)


def is_pass_name(name):
    return name.replace("-", "_").split("_")[0] in VERBS


def empty_names(root):
    findings, seen = [], set()
    for path in source_tree.files(root, "src", "tools", "tests", "docs", "examples"):
        parts = path.split("/")
        for depth, part in enumerate(parts):
            here = "/".join(parts[: depth + 1])
            if here in seen:
                continue
            seen.add(here)
            stem = part.split(".")[0]
            if stem not in EXCEPTIONS and EMPTY_WORDS & set(re.split(r"[_-]", stem.lower())):
                findings.append("%s: name it by what it holds" % here)
            if path.endswith(source_tree.CPP) and part != part.lower():
                findings.append("%s: file and folder names are lower_case" % here)
            if path.endswith(source_tree.CPP) and depth == len(parts) - 1 and "-" in part:
                findings.append("%s: file names use '_', not '-'" % here)
    return findings


def passes(root):
    if not os.path.exists(os.path.join(root, REGISTRY)):
        return []
    rows = ROW.findall(source_tree.read(root, REGISTRY))
    findings = ["%s: '%s' has two rows" % (REGISTRY, name) for name in sorted(set(rows)) if rows.count(name) > 1]
    files = [p for p in source_tree.files(root, "src/passes", endings=(".cpp", ".h")) if p.count("/") == 3]
    golden = source_tree.files(root, GOLDEN)
    doc = source_tree.read(root, DOC) if os.path.exists(os.path.join(root, DOC)) else ""
    headings = [name for name in HEADING.findall(doc) if is_pass_name(name)]

    for name in rows:
        snake = name.replace("-", "_")
        if not is_pass_name(name):
            findings.append("%s: '%s' does not begin with one of the verbs: %s" % (REGISTRY, name, ", ".join(sorted(VERBS))))
        for ending in (".h", ".cpp"):
            if not any(p.endswith("/" + snake + ending) for p in files):
                findings.append("%s: pass '%s' has no src/passes/<family>/%s%s" % (REGISTRY, name, snake, ending))
        cases = [p for p in golden if p.startswith("%s/%s/" % (GOLDEN, snake))]
        if not cases:
            findings.append("%s: pass '%s' has no golden tests in %s/%s/" % (REGISTRY, name, GOLDEN, snake))
        elif not any(p.split("/")[4].startswith("skips_") for p in cases):
            findings.append("%s/%s: no skips_… case says when the pass leaves the graph alone" % (GOLDEN, snake))
        if name not in headings:
            findings.append("%s: no heading '%s'" % (DOC, name))

    known = {name.replace("-", "_") for name in rows}
    for path in files:
        stem = path.split("/")[-1].rsplit(".", 1)[0]
        if is_pass_name(stem) and stem not in known:
            findings.append("%s: has the name of a pass but no row in %s" % (path, REGISTRY))
    for folder in sorted({p.split("/")[3] for p in golden if p.count("/") > 3}):
        if folder not in known:
            findings.append("%s/%s: golden tests of no pass" % (GOLDEN, folder))
    for name in headings:
        if name not in rows:
            findings.append("%s: heading '%s' is of no pass" % (DOC, name))
    return findings


def check(root):
    return empty_names(root) + passes(root)


if __name__ == "__main__":
    source_tree.main(check)
