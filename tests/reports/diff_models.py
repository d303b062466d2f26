#!/usr/bin/env python3
"""mcompress diff on pairs of models whose differences are known because they were put there: each is listed, and nothing else. What weights lose is computed here, in
double precision."""
import argparse
import json
import math
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bad"))
from wire import *

FAILURES = []


def expect(what, found, wanted):
    if found != wanted:
        FAILURES.append(f"{what}: {found!r} in place of {wanted!r}")


def expect_near(what, found, wanted, tolerance):
    if found is None or abs(found - wanted) > tolerance * max(1.0, abs(wanted)):
        FAILURES.append(f"{what}: {found} in place of {wanted}")


def run(binary, *words):
    done = subprocess.run([binary, "-q", *words], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


class Pair:
    """Two models in a folder of their own."""

    def __init__(self, binary, folder, before, after):
        self.binary, self.paths = binary, [os.path.join(folder, name) for name in ("a.onnx", "b.onnx")]
        for path, content in zip(self.paths, (before, after)):
            if isinstance(content, bytes):
                open(path, "wb").write(content)

    def diff(self, *options, swapped=False):
        paths = self.paths[::-1] if swapped else self.paths
        code, output, errors = run(self.binary, "diff", *paths, "--json", *options)
        if not output:
            raise RuntimeError(f"no report: {code} {errors}")
        return code, json.loads(output)


def chain(alpha=0.1, w=(1.0, 2.0, 3.0, 4.0), names=("mul", "leaky", "add", "relu"), values=("a", "b", "c"), extra_node=None, metadata=(), version=17, bias=None):
    """x * w -> LeakyRelu -> + x -> Relu"""
    a, b, c = values
    nodes = [node("Mul", ["x", "w"], [a], names[0]), node("LeakyRelu", [a], [b], names[1], [attr_float("alpha", alpha)]),
             node("Add", [b, "x"], [c], names[2])]
    last = c
    if extra_node:
        nodes.append(node(extra_node, [c], ["extra"], "inserted"))
        last = "extra"
    nodes.append(node("Relu", [last], ["y"], names[3]))
    initializers = [floats("w", [4], w)] + ([floats("bias", [4], bias)] if bias else [])
    return model(graph(nodes, [value("x")], [value("y")], initializers), opsets=opset(version),
                 extra=join(data(14, data(1, key) + data(2, text)) for key, text in metadata))


EMPTY = ("model", "metadata", "functions", "inputs", "outputs", "weights", "quantizers")


def others_empty(title, report, *but):
    for key in EMPTY:
        if key not in but:
            expect(f"{title}: {key}", report[key], [])
    for key in ("removed", "added", "changed", "renamed"):
        if "nodes." + key not in but:
            expect(f"{title}: nodes {key}", report["nodes"][key], [])


def with_pair(binary, before, after, check, title):
    with tempfile.TemporaryDirectory(prefix="mcompress-diff-") as folder:
        check(title, Pair(binary, folder, before, after))


def identical(title, pair):
    code, report = pair.diff("--exit-code")
    expect(title, (code, report["identical"], report["nodes"]["same"], report["weights_same"]), (0, True, 4, 1))
    others_empty(title, report)


def attribute_and_weight(title, pair):
    code, report = pair.diff("--exit-code")
    expect(title, (code, report["identical"]), (1, False))
    expect(title, pair.diff()[0], 0)
    expect(title, [each["node"] for each in report["nodes"]["changed"]], ["leaky"])
    expect(title, report["nodes"]["changed"][0]["changes"], ["alpha: 0.100000001 -> 0.200000003"])
    expect(title, [(each["name"], each["before"], each["after"]) for each in report["weights"]], [("w", "float[4]", "float[4]")])
    expect_near(title, report["weights"][0]["max_difference"], 0.5, 1e-9)
    expect_near(title, report["weights"][0]["sqnr_db"], 10 * math.log10((1 + 4 + 9 + 16) / (0.25 + 0.0625)), 1e-9)
    others_empty(title, report, "weights", "nodes.changed")


def inserted(title, pair):
    _, report = pair.diff()
    expect(title, report["nodes"]["added"], [{"node": "inserted", "op": "Abs"}])
    expect(title, [(each["node"], each["changes"]) for each in report["nodes"]["changed"]], [("relu", ["input 0: 'c' -> 'extra'"])])
    expect(title, report["nodes"]["operators"], [{"op": "Abs", "before": 0, "after": 1}])
    others_empty(title, report, "nodes.added", "nodes.changed")
    _, back = pair.diff(swapped=True)
    expect(title, back["nodes"]["removed"], [{"node": "inserted", "op": "Abs"}])


def header(title, pair):
    _, report = pair.diff()
    expect(title, report["model"], [{"name": "opset ai.onnx", "before": "17", "after": "16"}])
    expect(title, report["metadata"], [{"name": "k", "before": "1", "after": "2"}, {"name": "old", "before": "o", "after": None}, {"name": "new", "before": None, "after": "n"}])
    expect(title, report["weights"], [{"name": "bias", "new_name": None, "before": None, "after": "float[4]", "max_difference": None, "sqnr_db": None, "exact": False}])
    others_empty(title, report, "model", "metadata", "weights")


def renamed(title, pair):
    _, report = pair.diff()
    expect(title, [(each["before"], each["after"]) for each in report["nodes"]["renamed"]], [("mul", "p"), ("leaky", "q"), ("add", "r"), ("relu", "s")])
    expect(title, (report["identical"], report["nodes"]["same"]), (False, 4))
    others_empty(title, report, "nodes.renamed")


def renamed_with_change(title, pair):
    """Everything behind the change is still recognized."""
    _, report = pair.diff()
    expect(title, [(each["node"], each["changes"]) for each in report["nodes"]["changed"]], [("q", ["alpha: 0.100000001 -> 0.200000003"])])
    others_empty(title, report, "nodes.changed", "nodes.renamed")


W = [0.1, -0.25, 0.7, 1.0, -1.0, 0.33, 0.05, -0.6, 0.9, -0.9, 0.15, 0.45, 0.0, 0.2, -0.2, 0.8]
SCALE = struct.unpack("<f", struct.pack("<f", 1.0 / 127))[0]
CODES = [max(-128, min(127, round(each / SCALE))) for each in W]
FLOAT_MODEL = model(graph([node("MatMul", ["x", "w"], ["y"], "mul")], [value("x")], [value("y")], [floats("w", [4, 4], W)]))


def quantized_model(scale=0.5, weight=SCALE):
    nodes = [node("QuantizeLinear", ["x", "xs", "xz"], ["xq"], "q"), node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"], "dq"),
             node("DequantizeLinear", ["w_codes", "ws"], ["wd"], "dqw"), node("MatMul", ["xd", "wd"], ["y"], "mul")]
    return model(graph(nodes, [value("x")], [value("y")], [floats("xs", [], [scale]), tensor("xz", [], b"\x80", UINT8), floats("ws", [], [weight]),
                                                           tensor("w_codes", [4, 4], struct.pack("<16b", *CODES), INT8)]))


def quantized(title, pair):
    _, report = pair.diff()
    as_float = [struct.unpack("<f", struct.pack("<f", each))[0] for each in W]
    errors = [struct.unpack("<f", struct.pack("<f", code * SCALE))[0] - each for code, each in zip(CODES, as_float)]
    expect(title, [(each["name"], each["new_name"], each["before"], each["after"]) for each in report["weights"]], [("w", "w_codes", "float[4,4]", "int8[4,4]")])
    expect_near(title, report["weights"][0]["max_difference"], max(map(abs, errors)), 1e-6)
    expect_near(title, report["weights"][0]["sqnr_db"], 10 * math.log10(sum(each * each for each in as_float) / sum(each * each for each in errors)), 1e-5)
    expect(title, report["nodes"]["changed"][0]["changes"][0], "input 0: 'x' is quantized: uint8, scale 0.5, zero point 128")
    expect(title, [(each["name"], each["before"], each["after"]) for each in report["quantizers"]],
           [("w_codes", None, "int8, scale 0.00787402, zero point 0"), ("x", None, "uint8, scale 0.5, zero point 128")])
    expect(title, sorted(each["node"] for each in report["nodes"]["added"]), ["dq", "dqw", "q"])
    others_empty(title, report, "weights", "quantizers", "nodes.added", "nodes.changed")


def scales(title, pair):
    _, report = pair.diff()
    expect(title, report["quantizers"], [{"name": "x", "before": "uint8, scale 0.5, zero point 128", "after": "uint8, scale 0.25, zero point 128"}])
    others_empty(title, report, "quantizers")


def in_body(op, name="inner"):
    branch = lambda kind: graph([node(kind, ["x"], ["b"], name)], [], [value("b")], name="body")
    return model(graph([node("If", ["c"], ["y"], "if", [attr_graph("then_branch", branch(op)), attr_graph("else_branch", branch("Neg"))])],
                       [value("c", (), BOOL), value("x")], [value("y")]))


def bodies(title, pair):
    _, report = pair.diff()
    expect(title, [(each["node"], each["changes"]) for each in report["nodes"]["changed"]], [("inner", ["operator: Relu -> Abs"])])
    expect(title, report["nodes"]["same"], 2)


def interface(title, pair):
    _, report = pair.diff()
    expect(title, report["inputs"], [{"name": "x", "before": "float[1,4]", "after": "float[2,4]"}])


def real_models(binary, root):
    """What mcompress makes of the example, held against itself."""
    digits = os.path.join(root, "examples/digits/digits.onnx")
    with tempfile.TemporaryDirectory(prefix="mcompress-diff-") as folder:
        made = {name: os.path.join(folder, name + ".onnx") for name in ("optimized", "pruned", "int8", "half")}
        for words in (["optimize", digits, "-o", made["optimized"]], ["prune", digits, "--sparsity", "0.5", "-o", made["pruned"]],
                      ["quantize", digits, "-o", made["int8"]], ["convert", digits, "--to", "fp16", "-o", made["half"]]):
            code, _, errors = run(binary, *words)
            expect(" ".join(words[:1]), (code, errors if code else ""), (0, ""))
        reports = {name: json.loads(run(binary, "diff", digits, path, "--json")[1]) for name, path in made.items()}
        # Folding has changed the weights of convolutions; what follows is seen against what it left.
        folded = {name: json.loads(run(binary, "diff", made["optimized"], made[name], "--json")[1]) for name in ("pruned", "int8", "half")}
        text = run(binary, "diff", digits, made["int8"], "--limit", "1")[1]
        expect("limit", "more; --limit shows more" in text, True)
        back = json.loads(run(binary, "diff", made["int8"], digits, "--json")[1])
    count = lambda report, key: len(report["nodes"][key])
    for name, report in reports.items():
        expect(name + " identical", report["identical"], False)
        expect(name + " nodes add up", report["nodes"]["same"] + count(report, "changed") + count(report, "removed"), report["nodes"]["before"])
        expect(name + " nodes add up again", report["nodes"]["same"] + count(report, "changed") + count(report, "added"), report["nodes"]["after"])
    expect("int8 the other way", (count(back, "added"), count(back, "removed"), len(back["weights"])),
           (count(reports["int8"], "removed"), count(reports["int8"], "added"), len(reports["int8"]["weights"])))
    weights = [each for each in folded["int8"]["weights"] if each["after"] and each["after"].startswith(("int8", "uint8"))]
    expect("int8 weights are paired", len(weights) == 8 and all(each["before"] and each["sqnr_db"] > 25 for each in weights), True)
    halves = [each for each in reports["half"]["weights"] if each["before"] and each["after"]]
    expect("half weights", len(halves) > 20 and all(each["after"].startswith("float16[") and each["sqnr_db"] > 60 for each in halves), True)
    pruned = [each for each in folded["pruned"]["weights"] if each["before"] == each["after"] and not each["exact"]]
    # All but the depthwise convolution, which stays dense.
    expect("pruned weights", len(pruned) == 7 and all(3 < each["sqnr_db"] < 40 for each in pruned), True)
    for name in ("pruned", "int8"):
        expect(name + " keeps the nodes of the optimized model", count(folded[name], "removed"), 0)
    expect("constants that became initializers are the same values", "Constant_output_0" in json.dumps(reports["optimized"]["nodes"]["changed"]), False)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--root", type=os.path.abspath, required=True)
    arguments = parser.parse_args()
    other = ("p", "q", "r", "s")
    pairs = [
        (chain(), chain(), identical), (chain(), chain(alpha=0.2, w=(1.0, 2.5, 3.0, 4.25)), attribute_and_weight), (chain(), chain(extra_node="Abs"), inserted),
        (chain(metadata=(("k", "1"), ("old", "o"))), chain(metadata=(("k", "2"), ("new", "n")), version=16, bias=(1.0,) * 4), header),
        (chain(), chain(names=other, values=("u", "v", "t")), renamed), (chain(), chain(alpha=0.2, names=other, values=("u", "v", "t")), renamed_with_change),
        (FLOAT_MODEL, quantized_model(), quantized), (quantized_model(), quantized_model(scale=0.25), scales), (in_body("Relu"), in_body("Abs"), bodies),
        (relu_model(), model(graph([node("Relu", ["x"], ["y"])], [value("x", (2, 4))], [value("y", ("a", 4))])), interface),
    ]
    for before, after, check in pairs:
        with_pair(arguments.binary, before, after, check, check.__name__)
    real_models(arguments.binary, arguments.root)
    for failure in FAILURES:
        print("FAILED " + failure)
    print(f"{len(pairs)} pairs and 4 models that were compressed, {len(FAILURES)} failures")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
