#!/usr/bin/env python3
"""Each lint script must find what it is there to find, and nothing in a healthy tree.  selftest.py LINT"""
import importlib
import os
import sys
import tempfile

LONG_FUNCTION = "int f() {\n" + "    g();\n" * 70 + "}\n"
PASS = {
    "src/passes/registry.cpp": 'constexpr PassRow kPasses[] = {\n    {"fuse-conv-bn", "…", make},\n};\n',
    "src/passes/fuse/fuse_conv_bn.h": "#pragma once\n",
    "src/passes/fuse/fuse_conv_bn.cpp": '#include "passes/fuse/fuse_conv_bn.h"\n',
    "src/passes/pass_manager.cpp": "",
    "tests/golden/passes/fuse_conv_bn/fuses.txt": "",
    "tests/golden/passes/fuse_conv_bn/skips_two_readers.txt": "",
    "docs/passes.md": "# Passes\n\n## fuse-conv-bn\n",
}


TRAPS = {
    "docs/traps.md": "| | trap | test |\n|---|---|---|\n" + "".join(
        '| %d | a defect | `tests/a.cpp`: "trap %d: it is not ours" |\n' % (n, n) for n in range(1, 30)) + "| 30 | another | no test: it cannot happen |\n",
    "tests/a.cpp": "".join('TEST_CASE("trap %d: it is not ours") {}\n' % n for n in range(1, 30)),
}


def without(tree, path):
    return {name: text for name, text in tree.items() if name != path}


# lint, what the tree shows, its files, a part of the one finding (None: no finding)
CASES = [
    ("layers", "the right direction", {"src/ir/graph.h": '#include "tensor/shape.h"\n#include <vector>\n', "src/tensor/shape.h": ""}, None),
    ("layers", "upward", {"src/ir/graph.h": "", "src/tensor/shape.h": '#include "ir/graph.h"\n'}, "tensor may not include ir"),
    ("layers", "sideways", {"src/passes/pass.h": "", "src/engine/plan.cpp": '#include "passes/pass.h"\n'}, "engine may not include passes"),
    ("layers", "report sees results", {"src/validate/fidelity.h": "", "src/report/report.h": '#include "validate/fidelity.h"\n'}, None),
    ("layers", "not under src", {"src/ir/graph.cpp": '#include "nowhere.h"\n'}, "is no file of ours"),
    ("layers", "unknown folder", {"src/extras/a.h": ""}, "no row"),
    ("layers", "confined", {"src/passes/a.cpp": "#include <onnx/onnx_pb.h>\n"}, "onnx/protobuf may be included only in src/onnx/"),
    ("layers", "confined, at home", {"src/onnx/load.cpp": "#include <onnx/onnx_pb.h>\n"}, None),
    ("layers", "confined to one file", {"src/tensor/linalg.cpp": "#include <Eigen/Dense>\n"}, None),
    ("layers", "a header that leaks", {"src/engine/onednn/memory.h": "#include <dnnl.hpp>\n",
                                      "src/engine/engine.cpp": '#include "engine/onednn/memory.h"\n'}, "brings in oneDNN through"),
    ("layers", "unlisted third party", {"src/ir/a.cpp": "#include <boost/any.hpp>\n"}, "has no row for"),
    ("names", "a complete pass", PASS, None),
    ("names", "no file", without(PASS, "src/passes/fuse/fuse_conv_bn.h"), "has no src/passes/<family>/fuse_conv_bn.h"),
    ("names", "no skips case", without(PASS, "tests/golden/passes/fuse_conv_bn/skips_two_readers.txt"), "no skips_"),
    ("names", "no heading", dict(PASS, **{"docs/passes.md": "# Passes\n"}), "no heading"),
    ("names", "orphan file", dict(PASS, **{"src/passes/fuse/fuse_pad.cpp": ""}), "no row"),
    ("names", "orphan golden", dict(PASS, **{"tests/golden/passes/fuse_pad/fuses.txt": ""}), "golden tests of no pass"),
    ("names", "orphan heading", dict(PASS, **{"docs/passes.md": "## fuse-conv-bn\n## fuse-pad\n"}), "is of no pass"),
    ("names", "a name that says nothing", {"src/ir/graph_utils.cpp": ""}, "name it by what it holds"),
    ("names", "a folder that says nothing", {"src/common/a.cpp": ""}, "name it by what it holds"),
    ("names", "case", {"src/ir/Graph.cpp": ""}, "lower_case"),
    ("sizes", "small", {"src/ir/a.cpp": "int f() { return 1; }\n"}, None),
    ("sizes", "long file", {"src/ir/a.cpp": "int a;\n" * 401}, "401 lines, limit 400"),
    ("sizes", "long header", {"src/ir/a.h": "int a;\n" * 201}, "201 lines, limit 200"),
    ("sizes", "long main", {"tools/mcompress/main.cpp": "int a;\n" * 61}, "limit 60"),
    ("sizes", "long pipeline", {"src/pipeline/compress.cpp": "int a;\n" * 121}, "limit 120"),
    ("sizes", "long function", {"src/ir/a.cpp": "namespace a {\n" + LONG_FUNCTION + "}\n"}, "function f: 72 lines"),
    ("sizes", "long constructor", {"src/ir/a.cpp": LONG_FUNCTION.replace("int f()", "F::F(int x) : a_(x), b_{x}, c_(2)")}, "function F"),
    ("sizes", "long method", {"src/ir/a.cpp": "struct A {\n" + LONG_FUNCTION.replace("f()", "f() const noexcept") + "};\n"}, "function f"),
    ("sizes", "long operator", {"src/ir/a.cpp": LONG_FUNCTION.replace("f()", "operator==(int b)")}, "lines, limit 60"),
    ("sizes", "a long table is no function", {"src/ir/a.cpp": "const T kT[] = {\n" + "    {1, f(2), \"}\"},\n" * 99 + "};\n"}, None),
    ("sizes", "braces in literals", {"src/ir/a.cpp": "char f() { return '{'; }\n// {\nint g() { return 1; }\n" * 30}, None),
    ("sizes", "allowed", {"src/ir/a.cpp": "int a;\n" * 401, "tests/lint/sizes.allow": "src/ir/a.cpp 410 one table of all operators\n"}, None),
    ("sizes", "allowed for nothing", {"src/ir/a.cpp": "", "tests/lint/sizes.allow": "src/ir/a.cpp 410 one table of all operators\n"}, "no longer needed"),
    ("traps", "complete", TRAPS, None),
    ("traps", "no table", without(TRAPS, "docs/traps.md"), "is missing"),
    ("traps", "a row too few", dict(TRAPS, **{"docs/traps.md": TRAPS["docs/traps.md"].replace("| 30 |", "| 31 |")}), "not 1 to 30"),
    ("traps", "a test that went", dict(TRAPS, **{"tests/a.cpp": TRAPS["tests/a.cpp"].replace("trap 7: it", "trap 7: what")}), "has no test"),
    ("traps", "neither test nor reason", dict(TRAPS, **{"docs/traps.md": TRAPS["docs/traps.md"].replace("no test: it", "it")}), "names no test"),
    ("words", "clean", {"src/ir/a.cpp": "// see /etc/passwd and https://host/home/page\n"}, None),
    ("words", "by the locale", {"src/ir/a.cpp": "double x = std::" + "stod(text);\n"}, "reads by the locale"),
    ("words", "machine path", {"docs/a.md": "run /" + "home/alice/bin\n"}, "path of one machine"),
    ("words", "unfinished", {"src/ir/a.cpp": "// TO" + "DO later\n"}, "finish it"),
    ("words", "unfinished, in words", {"tools/a.sh": "echo not " + "implemented\n"}, "finish it"),
    ("words", "elsewhere allowed", {"docs/a.md": "a st" + "ub\n"}, None),
]


def run(lint):
    check = importlib.import_module(lint).check
    failures = 0
    for name, title, tree, expected in CASES:
        if name != lint:
            continue
        with tempfile.TemporaryDirectory() as root:
            for path, text in tree.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            findings = check(root)
        good = not findings if expected is None else len(findings) >= 1 and any(expected in line for line in findings)
        if not good:
            failures += 1
            print("%s, %s: expected %s, found %s" % (lint, title, expected or "nothing", findings or "nothing"))
    return failures


if __name__ == "__main__":
    sys.exit(1 if run(sys.argv[1]) else 0)
