#!/usr/bin/env python3
"""mcompress check on the catalogue of bad inputs: what another command ends in has to be among its findings, with everything that it says of each. Then models with
several things wrong at once: each has to be found. Hostile names go through every format that a machine reads."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cases import CASES
from wire import *

ERROR, WARNING = 3, 0


def check(binary, model, *options):
    done = subprocess.run([binary, "-q", "check", model, "--json", *options], capture_output=True, timeout=60)
    return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr.decode(errors="replace")


def faults_of(report, code):
    """What is not as it should be in any report."""
    errors = [each for each in report["findings"] if each["severity"] == "error"]
    wrong = [] if code == (ERROR if errors else 0) else [f"exit code {code} with {len(errors)} errors"]
    if report["errors"] != len(errors) or report["warnings"] != len(report["findings"]) - len(errors):
        wrong.append("the counts are wrong")
    wrong += [f"{each['code']} says nothing of {key}" for each in report["findings"] for key in ("object", "found", "expected", "remedy") if not each[key]]
    return wrong


def catalogue(binary):
    """Every case about a model that optimize or quantize is given, not what limits of one run refuse."""
    checked, failures = 0, []
    for at, (identifier, make, command, outcome, part) in enumerate(CASES):
        words = command.split()
        if words[0] not in ("optimize", "quantize") or not identifier.startswith("B") or "data" in command or int(identifier[1:3]) in (1, 2, 3, 11, 72, 94, 98):
            continue
        with tempfile.TemporaryDirectory(prefix="mcompress-check-") as folder:
            os.makedirs(os.path.join(folder, "out"))
            make(folder)
            code, report, said = check(binary, words[1].replace("{f}", folder))
        checked += 1
        if report is None:
            failures.append(f"{identifier}: no report, exit code {code}: {said[:300]}")
            continue
        wrong = faults_of(report, code)
        wanted = outcome.partition(" ")[2]
        codes = [each["code"] for each in report["findings"] if each["severity"] == "error"]
        if wanted and not any(each.startswith(wanted) for each in codes):
            wrong.append(f"{wanted} is not among {codes}")
        text = json.dumps(report["findings"], ensure_ascii=False)
        if wanted and part and part not in text and part not in ("m.onnx",):
            wrong.append(f"'{part}' is not named in {text[:300]}")
        if not wanted and codes and outcome == "0":
            wrong.append(f"is accepted elsewhere, {report['findings'][0]}")
        failures += [f"{identifier}: {each}" for each in wrong]
    return checked, failures


NAN = float("nan")
# What is wrong, and (code, part of the object) of each finding that has to be there; nothing else may be.
PLANTED = [
    ("names, a tensor, an operator and a weight", model(
        graph([node("MatMul", ["x", "w"], ["a"], "mul"), node("Add", ["a", "ghost"], ["b"], "add"), node("LeakyRelu", ["b"], ["c"], "leaky", [attr_int("alpha", 1)]),
               node("Conv", ["c"], ["d"], "conv"), node("Relu", ["d"], ["y"], "last")],
              [value("x")], [value("y")], [floats("w", [4, 4], [NAN] + [1.0] * 15), tensor("short", [4], b"\0" * 12)])),
     [("E3003", "add"), ("E3009", "leaky"), ("E3008", "conv"), ("E3014", "'w'"), ("E3004", "short"), ("E3015", "short")]),
    ("three tensors, one of them outside", model(
        graph([node("Add", ["x", "a"], ["t"], "one"), node("Add", ["t", "b"], ["u"], "two"), node("Add", ["u", "c"], ["y"], "three")], [value("x")], [value("y")],
              [tensor("a", [-4], b""), external("b", [4], [("location", "../secret")]), tensor("c", [4], b"\0" * 16, 999)])),
     [("E3004", "'a'"), ("E3005", "'b'"), ("E3004", "'c'")]),
    ("types that do not fit, twice, and a version without the operator", model(
        graph([node("Add", ["x", "i"], ["a"], "mixed"), node("Concat", ["x", "x"], ["b"], "no_axis"), node("Gelu", ["x"], ["g"], "too_new"),
               node("Sum", ["a", "b", "g"], ["y"], "sum")], [value("x"), value("i", (1, 4), INT64)], [value("y", ("p", "q"))])),
     [("E3008", "mixed"), ("E3009", "no_axis"), ("E3006", "too_new")]),
    ("in a body", model(
        graph([node("If", ["c"], ["y"], "if", [attr_graph("then_branch", graph([node("Relu", ["ghost"], ["b"], "inner")], [], [value("b")], name="t")),
                                               attr_graph("else_branch", graph([node("Transpose", ["x"], ["b"], "turn", [attr_ints("perm", [0, 0])])], [], [value("b", ("p", "q"))], name="e"))])],
              [value("c", (), BOOL), value("x")], [value("y", ("p", "q"))])),
     [("E3003", "inner"), ("E3008", "turn")]),
    ("versions of everything", model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("y")]), ir=99, opsets=opset(999) + opset(0, "my.ops")),
     [("E3003", "model"), ("E3010", "model"), ("E3003", "model")]),
    ("only warnings", model(
        graph([node("Relu", ["t"], ["u"], "same"), node("Abs", ["x"], ["t"], "same"), node("Neg", ["x"], ["dead"], "nobody"), node("MatMul", ["u", "w"], ["v"], "mul"),
               node("DequantizeLinear", ["q", "s"], ["z"], "dequant"), node("Add", ["v", "z"], ["y"], "add")],
              [value("x"), value("extra")], [value("y")],
              [floats("w", [4, 4], [1e-42, 0.0, 3e38, 1.0] * 4), floats("unread", [4], [1.0] * 4), tensor("q", [1, 4], b"\1\2\3\4", UINT8), floats("s", [], [0.0])],
              ), extra=data(14, data(1, "k") + data(2, "a")) + data(14, data(1, "k") + data(2, "b"))),
     [("E3017", "same"), ("E3003", "same"), ("E3015", "nobody"), ("E3015", "extra"), ("E3015", "unread"), ("E3017", "'k'"), ("E3016", "'w'"), ("E3016", "'w'"),
      ("E3015", "'w'"), ("E3016", "'s'")]),
    ("in a function", model(graph([node("f0", ["x"], ["y"], "call", domain="f")], [value("x")], [value("y", ("p", "q"))]), opsets=opset() + opset(1, "f"), extra=data(
        25, data(1, "f0") + data(4, "a") + data(5, "b") + data(7, node("Flatten", ["a"], ["b"], "flat", [attr_int("axis", 9)])) + data(9, number(2, 17)) + data(10, "f"))),
     [("E3008", "flat")]),
]


def planted(binary):
    failures = []
    for title, content, wanted in PLANTED:
        with tempfile.TemporaryDirectory(prefix="mcompress-check-") as folder:
            path = os.path.join(folder, "m.onnx")
            open(path, "wb").write(content)
            code, report, said = check(binary, path)
            strict = check(binary, path, "--strict")[0]
        if report is None:
            failures.append(f"{title}: no report: {said[:300]}")
            continue
        failures += [f"{title}: {each}" for each in faults_of(report, code)]
        left = [(each["code"], each["object"]) for each in report["findings"]]
        for code_, part in wanted:
            found = next((each for each in left if each[0] == code_ and part in each[1]), None)
            if found:
                left.remove(found)
            else:
                failures.append(f"{title}: {code_} of {part} is not found")
        failures += [f"{title}: {each} was not expected" for each in left]
        if strict != (ERROR if report["errors"] else 1 if report["warnings"] else 0):
            failures.append(f"{title}: --strict ends with {strict}")
    return failures


HOSTILE = ["a\x1b[31mb", "a\nb", "a\r\n::error::x", b"a\0b", b"\xff\xfe\xc3(", b"\xed\xa0\x80", "\ufffe\uffff", "\x85\u2028", "<script>alert(1)</script>", "]]>", "\"'&<>", "%0A::error::x", "a,title=b::c",
           "[x](http://a)", "{0} {{", "=cmd()", "../../etc/passwd"]


def formats(binary):
    """Names that nobody would give, through every format that a machine reads, with readers that are not ours."""
    failures = []
    for name in HOSTILE:
        with tempfile.TemporaryDirectory(prefix="mcompress-check-") as folder:
            path = os.path.join(folder, "m.onnx")
            open(path, "wb").write(model(graph([node("Relu", [name], ["y"], name)], [value("x")], [value("y")])))
            said = {each: subprocess.run([binary, "-q", "check", path, "--format", each], capture_output=True, timeout=60).stdout for each in ("json", "sarif", "junit", "github")}
        try:
            findings = json.loads(said["json"])["findings"]
            results = json.loads(said["sarif"])["runs"][0]["results"]
            cases = xml.etree.ElementTree.fromstring(said["junit"]).findall("./testsuite/testcase")
            lines = said["github"].decode().splitlines()
        except Exception as problem:
            failures.append(f"{name!r}: {problem}")
            continue
        if not len(findings) == len(results) == len(cases) == len(lines) == 2 or not all(each.startswith(("::error file=", "::warning file=")) for each in lines):
            failures.append(f"{name!r}: {len(findings)} findings, {len(results)} results, {len(cases)} cases, {lines}")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    binary = parser.parse_args().binary
    checked, failures = catalogue(binary)
    failures += planted(binary) + formats(binary)
    for failure in failures:
        print("FAILED " + failure)
    print(f"{checked} inputs of the catalogue, {len(PLANTED)} models with several faults, {len(HOSTILE)} hostile names, {len(failures)} failures")
    return 1 if failures or checked < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
