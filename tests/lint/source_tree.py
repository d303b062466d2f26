"""What the lint scripts share: finding files, reporting findings. Standard library only."""
import argparse
import os
import sys

CPP = (".cpp", ".h", ".inc")
SKIPPED_FOLDERS = {".git", ".cache", "build", "node_modules", "__pycache__"}


def files(root, *folders, endings=None):
    """Paths below root/folder (all of root without folders), relative to root, with '/', sorted."""
    found = []
    for folder in folders or [""]:
        for where, below, names in os.walk(os.path.join(root, folder)):
            below[:] = sorted(d for d in below if d not in SKIPPED_FOLDERS)
            for name in names:
                if endings is None or name.endswith(tuple(endings)):
                    found.append(os.path.relpath(os.path.join(where, name), root).replace(os.sep, "/"))
    return sorted(set(found))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read()


def main(check):
    """Run check(root), which returns findings as text lines, and exit 1 when there are any."""
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    findings = check(os.path.abspath(parser.parse_args().root))
    for line in findings:
        print(line)
    sys.exit(1 if findings else 0)
