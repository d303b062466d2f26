#!/usr/bin/env python3
"""No path of somebody's machine anywhere, no words of unfinished work in src and tools."""
import re

import source_tree

TEXT = (".cpp", ".h", ".in", ".inc", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".yml", ".yaml", ".toml", ".js", ".allow", ".onnxtxt")
# The folders are spelled so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$})*-])/(?:work|farm|home|root|Users|mnt|media)/[A-Za-z.][\w.-]*")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b(todo|fixme|not implemented|not yet implemented|unimplemented|stub|stubs)\b", re.I)


def check(root):
    findings = []
    for path in source_tree.files(root):
        if not path.endswith(TEXT) and "." in path.rsplit("/", 1)[-1]:
            continue
        for number, line in enumerate(source_tree.read(root, path).splitlines(), 1):
            match = MACHINE_PATH.search(line)
            if match:
                findings.append("%s:%d: path of one machine: %s" % (path, number, match.group(0)))
            match = UNFINISHED.search(line) if path.startswith(("src/", "tools/")) else None
            if match:
                findings.append("%s:%d: '%s': finish it, or say what is refused and why" % (path, number, match.group(0)))
    return findings


if __name__ == "__main__":
    source_tree.main(check)
