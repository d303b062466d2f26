#!/usr/bin/env python3
"""Folders form a strict DAG and third parties stay in their folders (docs/architecture.md), read from the #include lines."""
import re

import source_tree

LOWER = ["ops", "ir", "quant", "tensor", "support"]
STAGES = ["passes", "engine", "data", "onnx"]
RESULTS = ["validate", "calibrate", "train"]

# folder: the folders it may include, besides itself
MAY_INCLUDE = {
    "support": [],
    "tensor": ["support"],
    "quant": ["tensor", "support"],  # one brace, but quant sits left of tensor: decision 0002
    "ir": ["quant", "tensor", "support"],
    "ops": ["ir", "quant", "tensor", "support"],
    "passes": LOWER,
    "engine": LOWER,
    "data": LOWER,
    "onnx": LOWER,
    "validate": STAGES + LOWER,
    "calibrate": STAGES + LOWER,
    "train": STAGES + LOWER,
    "pack": ["onnx"] + LOWER,
    "tune": RESULTS + STAGES + LOWER,
    "search": ["tune"] + RESULTS + STAGES + LOWER,
    "prune": ["tune"] + RESULTS + STAGES + LOWER,
    "factorize": ["tune"] + RESULTS + STAGES + LOWER,
    "report": ["search", "prune", "factorize", "pack", "tune"] + RESULTS + STAGES + LOWER,  # sees the results of all stages
    "pipeline": ["report", "search", "prune", "factorize", "pack", "tune"] + RESULTS + STAGES + LOWER,
}

FRONT_ENDS = ["tools/mcompress", "tools/library"]

# name, what its headers look like, where they may be included, whether a header of ours may pass them on to other folders
THIRD_PARTIES = [
    ("onnx/protobuf", r"(onnx|google/protobuf)/|.*\.pb\.h$", ["src/onnx/"], False),
    ("oneDNN", r"(oneapi/dnnl/)?dnnl[a-z_]*\.(h|hpp)$", ["src/engine/onednn/"], False),
    ("nlohmann/json", r"nlohmann/", ["src/pipeline/", "src/report/"], True),
    ("valijson", r"valijson/", ["src/pipeline/", "src/report/"], True),
    ("CLI11", r"CLI/", ["tools/mcompress/"], False),
    ("spdlog/fmt", r"(spdlog|fmt)/", ["src/support/"], True),
    ("libjpeg", r"(jpeglib|jerror|jconfig|jmorecfg|turbojpeg)\.h$", ["src/data/"], False),
    ("libpng", r"(libpng\d*/)?png(conf)?\.h$", ["src/data/"], False),
    ("libzip/zlib", r"(zip|zipconf|zlib|zconf)\.h$", ["src/data/"], False),
    ("Eigen", r"(eigen3/)?Eigen/", ["src/tensor/linalg"], False),
    ("zstd", r"(zstd|zstd_errors|zdict)\.h$", ["src/pack/"], False),
    ("xxHash", r"(xxhash|xxh3)\.h$", ["src/support/"], True),
    ("MPI", r"mpi\.h$", ["src/calibrate/reducer", "src/train/reducer"], False),
]

# Headers of the C++ library, of C, of POSIX, of Linux and of the compiler.
SYSTEM = re.compile(
    r"([a-z_0-9]+|(sys|linux|asm|netinet|arpa)/.+|"
    r"(assert|ctype|cpuid|cxxabi|dirent|dlfcn|errno|execinfo|fcntl|fenv|float|getopt|glob|inttypes|langinfo|limits|locale|malloc|math|"
    r"poll|pthread|sched|semaphore|setjmp|signal|stdarg|stdbool|stddef|stdint|stdio|stdlib|string|strings|termios|time|unistd|wchar|omp|"
    r"[a-z0-9]*intrin)\.h)")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.M)


def folder_of(path):
    """The layer a file belongs to: the folder below src, or one of the front ends, which may include everything."""
    parts = path.split("/")
    if "/".join(parts[:2]) in FRONT_ENDS:
        return "/".join(parts[:2])
    return parts[1] if len(parts) > 2 else ""


def resolve(path, name, ours):
    """The file of ours that a quoted include names, or None. src is the include root; a file's own folder is searched too."""
    near = path.rsplit("/", 1)[0] + "/"
    for candidate in ("src/" + name, "src/" + name + ".in", "tools/" + name, near + name, near + name + ".in"):
        if candidate in ours:
            return candidate
    return None


def third_party(name):
    return next((row for row in THIRD_PARTIES if re.match(row[1], name)), None)


def allowed_in(row, path):
    return any(path.startswith(prefix) for prefix in row[2])


def check(root):
    ours = source_tree.files(root, "src", "tools", endings=source_tree.CPP + (".in",))
    known = set(ours)
    findings, edges, foreign = [], {}, {}
    for path in ours:
        text = source_tree.read(root, path)
        edges[path], foreign[path] = [], []
        for match in INCLUDE.finditer(text):
            where = "%s:%d" % (path, text.count("\n", 0, match.start()) + 1)
            quote, name = match.groups()
            target = resolve(path, name, known) if quote == '"' else None
            if target:
                edges[path].append((where, target))
                continue
            row = third_party(name)
            if row:
                foreign[path].append(row)
                if not allowed_in(row, path):
                    findings.append("%s: %s may be included only in %s" % (where, row[0], ", ".join(row[2])))
            elif quote == '"':
                findings.append('%s: "%s" is no file of ours; includes are written relative to src' % (where, name))
            elif not SYSTEM.fullmatch(name):
                findings.append("%s: <%s> is a third party that tests/lint/layers.py has no row for" % (where, name))
    return findings + wrong_directions(edges) + leaks(edges, foreign)


def wrong_directions(edges):
    findings = []
    for path, targets in edges.items():
        source = folder_of(path)
        if source not in FRONT_ENDS and source not in MAY_INCLUDE:
            findings.append("%s: folder '%s' has no row in tests/lint/layers.py" % (path, source))
            continue
        for where, target in targets:
            goal = folder_of(target)
            if goal == source or source in FRONT_ENDS:
                continue
            if goal not in MAY_INCLUDE[source]:
                findings.append("%s: %s may not include %s (%s)" % (where, source, goal, target))
    return findings


def leaks(edges, foreign):
    """Headers of ours that carry a confined third party into another folder."""
    findings = []
    for path, targets in edges.items():
        for where, target in targets:
            seen, open_ends = {target}, [target]
            while open_ends:
                header = open_ends.pop()
                for row in foreign[header]:
                    if not row[3] and not allowed_in(row, path):
                        findings.append("%s: brings in %s through %s" % (where, row[0], header))
                for _, deeper in edges[header]:
                    if deeper not in seen:
                        seen.add(deeper)
                        open_ends.append(deeper)
    return findings


if __name__ == "__main__":
    source_tree.main(check)
