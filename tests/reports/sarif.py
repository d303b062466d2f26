#!/usr/bin/env python3
"""SARIF and JUnit of every command that judges: SARIF against the properties, enumerations and bounds of the 2.1.0 schema (sarif/sarif.json), with each rule index naming its rule and each
failure of JUnit among the results; a gate that is missed ends in exit code 1, leaves no model, and names what is to blame.

With --official FILE, the sarif-schema-2.1.0.json of OASIS (too large to keep here), sarif/sarif.json is compared with it, and where Python has jsonschema, every output is validated by it."""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from json_schema import Schemas

DATA = "--data examples/digits/calib --color gray --scale 1/255 --mean 0.5 --std 0.25 --limit 60"
EVAL = DATA.replace("calib", "eval")
DIGITS = "examples/digits/digits.onnx"
# Command line, exit code, results (None: some), and what they have to name; {t} is a folder. In this order: later ones read what earlier ones wrote.
COMMANDS = [
    (f"check {DIGITS}", 0, 0, ""),
    ("check {t}/cut.onnx", 3, None, "E3002"),
    (f"quantize {DIGITS} {DATA} --effort fast -o {{t}}/int8.onnx", 0, 0, ""),
    (f"quantize {DIGITS} {DATA} --effort fast --max-drop 0.0001 --metric sqnr -o {{t}}/never.onnx", 1, 1, "max-drop"),
    (f"diff {DIGITS} {{t}}/int8.onnx --exit-code", 1, 1, "identical"),
    (f"validate {DIGITS} {{t}}/int8.onnx {EVAL} --latency-seconds 0 --min-sqnr 90", 1, 2, "min-sqnr"),
    (f"validate {DIGITS} {{t}}/int8.onnx {EVAL} --latency-seconds 0 --min-sqnr 10", 0, 0, ""),
    (f"convert {DIGITS} --to fp16 {EVAL} --min-sqnr 40 -o {{t}}/half.onnx", 0, 0, ""),
    (f"convert {DIGITS} --to fp16 {EVAL} --min-sqnr 400 -o {{t}}/never.onnx", 1, 1, "rounded alone"),
    (f"convert {DIGITS} --to fp16 --max-flushed 0 --refuse-unfit -o {{t}}/never.onnx", 1, 1, "constant '"),
    ("convert {t}/int8.onnx --quant-format qoperator -o {t}/qoperator.onnx", 0, 0, ""),
    (f"cluster {DIGITS} --bits 6 --min-sqnr 10 -o {{t}}/clustered.onnx", 0, 0, ""),
    (f"cluster {DIGITS} --bits 2 --min-sqnr 60 -o {{t}}/never.onnx", 1, 1, "Conv"),
    (f"factorize {DIGITS} --ratio 0.7 --time macs {DATA} --min-sqnr 1 --min-agreement 10 -o {{t}}/factorized.onnx", 0, 0, ""),
    (f"factorize {DIGITS} --ratio 0.7 --time macs {DATA} --min-sqnr 90 --min-agreement 10 -o {{t}}/never.onnx", 1, 1, "rank"),
]


def outputs_of(binary, root, arguments, folder):
    """Exit code, SARIF and JUnit of one run each."""
    texts, codes = [], set()
    for form in ("sarif", "junit"):
        done = subprocess.run([binary, "-q", *arguments.format(t=folder).split(), "--format", form] + (["--force"] if " -o " in arguments else []),
                              cwd=root, capture_output=True, text=True, timeout=300)
        assert done.stdout, f"{arguments}: exit code {done.returncode}, {done.stderr}"
        texts.append(done.stdout)
        codes.add(done.returncode)
    assert len(codes) == 1, f"{arguments}: exit codes {codes}"
    return codes.pop(), json.loads(texts[0]), ElementTree.fromstring(texts[1])


def judge(arguments, expected, found, schemas, official, folder):
    code, results, named = expected
    exit_code, sarif, junit = found
    problems = schemas.problems(sarif, "sarif.json") + ([f"official: {each.message}" for each in official.iter_errors(sarif)] if official else [])
    if problems:
        return problems
    if exit_code != code:
        problems.append(f"exit code {exit_code}, expected {code}")
    listed = sarif["runs"][0]["results"]
    rules = sarif["runs"][0]["tool"]["driver"]["rules"]
    if results is not None and len(listed) != results or results is None and not listed:
        problems.append(f"{len(listed)} results, expected {results}")
    problems += [f"rule {each['ruleIndex']} is not {each['ruleId']}" for each in listed if rules[each["ruleIndex"]]["id"] != each["ruleId"]]
    if listed and not any(named in json.dumps(each) for each in listed):
        problems.append(f"no result names {named!r}")
    failures = [case for case in junit.iter("testcase") if case.find("failure") is not None]
    if len(failures) != sum(each["level"] == "error" for each in listed):
        problems.append(f"{len(failures)} failures of JUnit, SARIF has {len(listed)} results")
    if failures and int(junit.get("failures")) != len(failures):
        problems.append(f"JUnit counts {junit.get('failures')} failures and has {len(failures)}")
    if failures and not any(named in ElementTree.tostring(case, encoding="unicode").replace("&apos;", "'") for case in failures):
        problems.append(f"no failure of JUnit names {named!r}")
    if os.path.exists(os.path.join(folder, "never.onnx")):
        problems.append("a model was written")
    return problems


def wider(ours, theirs, own, official, place="$"):
    """Where our schema allows what that of OASIS does not."""
    while "$ref" in ours:
        ours = own["$defs"][ours["$ref"].rsplit("/", 1)[1]]
    while "$ref" in theirs:
        theirs = official["definitions"][theirs["$ref"].rsplit("/", 1)[1]]
    found = []
    if "enum" in theirs and not set(ours.get("enum", [None])) <= set(theirs["enum"]):
        found.append(f"{place}: {ours} is not within {theirs['enum']}")
    if "type" in theirs and "type" in ours and ours["type"] not in [theirs["type"], *(theirs["type"] if isinstance(theirs["type"], list) else [])]:
        found.append(f"{place}: {ours['type']}, {theirs['type']} there")
    if theirs.get("minimum", -1) > ours.get("minimum", -1):
        found.append(f"{place}: at least {theirs['minimum']} there")
    required = set(theirs.get("required", []))
    if not required <= set(ours.get("required", [])):
        found.append(f"{place}: {required} are required there")
    if "anyOf" in theirs and not any(set(each["required"]) <= set(ours["required"]) for each in theirs["anyOf"]):
        found.append(f"{place}: one of {theirs['anyOf']} there")
    for name, each in ours.get("properties", {}).items():
        more = theirs.get("additionalProperties")
        there = theirs.get("properties", {}).get(name, more if isinstance(more, dict) else None)
        found += wider(each, there, own, official, f"{place}.{name}") if there else [f"{place}.{name} is not known there"]
    return found + (wider(ours["items"], theirs["items"], own, official, place + "[]") if "items" in ours else [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--root", default=".")
    parser.add_argument("--official")
    arguments = parser.parse_args()
    binary, root = os.path.abspath(arguments.binary), os.path.abspath(arguments.root)
    schemas = Schemas(os.path.join(os.path.dirname(os.path.abspath(__file__)), "sarif"))
    official, failed = None, False
    if arguments.official:
        schema = json.load(open(arguments.official))
        for problem in wider(schemas.files["sarif.json"], schema, schemas.files["sarif.json"], schema):
            print(f"FAILED: sarif.json: {problem}")
            failed = True
        from jsonschema import Draft4Validator
        official = Draft4Validator(schema)
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(root, DIGITS), "rb") as model, open(os.path.join(folder, "cut.onnx"), "wb") as cut:
            cut.write(model.read()[:5000])
        for command, *expected in COMMANDS:
            found = outputs_of(binary, root, command, folder)
            for problem in judge(command, expected, found, schemas, official, folder):
                print(f"FAILED: {command}: {problem}")
                failed = True
            # The check would not notice much if it accepted a damaged document.
            for part in ("version", "runs"):
                broken = {key: value for key, value in found[1].items() if key != part}
                if not schemas.problems(broken, "sarif.json"):
                    print(f"FAILED: {command}: a document without {part} is accepted")
                    failed = True
    print(f"{len(COMMANDS)} commands judged{'' if not official else ', by the schema of OASIS as well'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
