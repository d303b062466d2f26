#!/usr/bin/env python3
"""No path of somebody's machine anywhere, no words of unfinished work in src and tools, nothing that reads text by the locale of the program around the library."""
import re

import source_tree

TEXT = (".cpp", ".h", ".in", ".inc", ".py", ".sh", ".cmake", ".txt", ".md", ".json", ".yml", ".yaml", ".toml", ".js", ".allow", ".onnxtxt")
# The folders are spelled so that this file does not match itself.
MACHINE_PATH = re.compile(r"(?<![\w.~$})*-])/(?:work|farm|home|root|Users|mnt|media)/[A-Za-z.][\w.-]*")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|\b(todo|fixme|not implemented|not yet implemented|unimplemented|stub|stubs)\b", re.I)

BY_LOCALE = re.compile(r"<c?ctype(\.h)?>|\bstd::(strto(f|d|ld)|sto(f|d|ld)|ato(f|d)|tolower|toupper|is(alpha|alnum|digit|space|upper|lower|punct|print))\b")


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
            match = BY_LOCALE.search(line) if path.startswith("src/") else None
            if match and path != "src/support/plain_text.h":
                findings.append("%s:%d: '%s' reads by the locale: src/support/plain_text.h does not" % (path, number, match.group(0)))
    return findings


if __name__ == "__main__":
    source_tree.main(check)
