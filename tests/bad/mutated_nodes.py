#!/usr/bin/env python3
"""Nothing is accepted that ONNX Runtime refuses for its types, shapes, attributes or arity: published single nodes, mutated in each of these.

Each node model of libonnx-testdata (MCOMPRESS_ONNX_TESTDATA) gives models whose inputs have other element types or other shapes, whose attributes have other values or
are missing, or whose inputs and outputs are fewer, more or left out. ONNX Runtime (ORT_NODE) loads them; what it refuses in its checks of the graph (not for want of a
kernel) `mcompress check` must refuse, and what it loads of those with another element type must be accepted. mutated_nodes_waivers.txt has the exceptions, each with
its reason."""
import argparse
import glob
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from against_onnxruntime import TESTDATA, matching, reasons, refusals
from wire import BOOL, DOUBLE, FLOAT, FLOAT16, INT8, INT32, INT64, STRING, UINT8, data, number, varint

WAIVERS = os.path.join(HERE, "mutated_nodes_waivers.txt")
CHECK_OF_GRAPH = re.compile(r"Type Error|ShapeInferenceError|TypeInferenceError|is marked single")
TYPES = [FLOAT, DOUBLE, FLOAT16, INT32, INT64, UINT8, INT8, BOOL, STRING]
# Fields of ONNX's messages.
GRAPH_OF_MODEL, NODE, GRAPH_INPUT, GRAPH_OUTPUT, FUNCTION = 7, 1, 11, 12, 25
INPUT, OUTPUT, OP, ATTRIBUTE, DOMAIN = 1, 2, 4, 5, 7


def read_varint(content, at):
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def parse(content):
    """[(field, value)] of a message: numbers of varints, else bytes; single floats as their 4 bytes."""
    fields, at = [], 0
    while at < len(content):
        key, at = read_varint(content, at)
        if key & 7 == 0:
            value, at = read_varint(content, at)
        else:
            size, at = (4, at) if key & 7 == 5 else (8, at) if key & 7 == 1 else read_varint(content, at)
            value = content[at:at + size]
            at += size
        fields.append((key, value))
    return [(key >> 3, key & 7, value) for key, value in fields]


def write(fields):
    out = b""
    for field, kind, value in fields:
        out += number(field, value) if kind == 0 else data(field, value) if kind == 2 else varint(field << 3 | kind) + value
    return out


def first(fields, wanted, otherwise=None):
    return next((value for field, _, value in fields if field == wanted), otherwise)


def every(fields, wanted):
    return [value for field, _, value in fields if field == wanted]


class NodeModel:
    """A model of one node."""

    def __init__(self, path):
        self.model = parse(open(path, "rb").read())
        self.graph = parse(first(self.model, GRAPH_OF_MODEL))
        nodes = every(self.graph, NODE)
        self.node = parse(nodes[0]) if len(nodes) == 1 and not every(self.model, FUNCTION) else None
        if self.node:
            self.op = first(self.node, OP).decode()
            self.domain = first(self.node, DOMAIN, b"").decode()
            self.inputs, self.outputs = every(self.node, INPUT), every(self.node, OUTPUT)
            self.attributes = [parse(each) for each in every(self.node, ATTRIBUTE)]
            self.tensors = {name: tensor for name, tensor in map(tensor_of, every(self.graph, GRAPH_INPUT)) if tensor}

    def bytes_with(self, tensors=None, inputs=None, outputs=None, attributes=None):
        """With other (type, extents) of graph inputs, other names or attributes of the node. Outputs are left without a type."""
        inputs, outputs = self.inputs if inputs is None else inputs, self.outputs if outputs is None else outputs
        attributes = self.attributes if attributes is None else attributes
        node = write([(INPUT, 2, each) for each in inputs] + [(OUTPUT, 2, each) for each in outputs] +
                     [each for each in self.node if each[0] not in (INPUT, OUTPUT, ATTRIBUTE)] + [(ATTRIBUTE, 2, write(each)) for each in attributes])
        graph = []
        for field, kind, value in self.graph:
            if field == NODE:
                value = node
            elif field == GRAPH_INPUT:
                name = first(parse(value), 1)
                if tensors and name in tensors:
                    value = value_info(name, *tensors[name])
            elif field == GRAPH_OUTPUT:
                name = first(parse(value), 1)
                if name not in outputs:
                    continue
                value = data(1, name)
            graph.append((field, kind, value))
        if not every(graph, GRAPH_OUTPUT):
            return None
        return write([(field, kind, write(graph) if field == GRAPH_OF_MODEL else value) for field, kind, value in self.model])


def tensor_of(info):
    """The name of a graph input, and its type and extents where it is a tensor of known ones."""
    fields = parse(info)
    tensor = first(parse(first(fields, 2, b"")), 1)
    shape = first(parse(tensor), 2) if tensor is not None else None
    if shape is None:
        return first(fields, 1), None
    return first(fields, 1), (first(parse(tensor), 1, 0), [first(parse(each), 1, 0) for each in every(parse(shape), 1)])


def value_info(name, dtype, extents):
    shape = b"".join(data(1, number(1, extent)) for extent in extents)
    return data(1, name) + data(2, data(1, number(1, dtype) + data(2, shape)))


def other_types(model):
    groups = {}
    for at, name in enumerate(model.inputs):
        if name in model.tensors:
            yield from ((f"input {at}", [name], dtype) for dtype in TYPES)
            groups.setdefault(model.tensors[name][0], []).append(name)
    for names in groups.values():
        if len(names) > 1:
            yield from ((f"{len(names)} inputs", names, dtype) for dtype in TYPES)


def mutations_of_types(model):
    for where, names, dtype in other_types(model):
        if model.tensors[names[0]][0] != dtype:
            yield f"{where} type {dtype}", model.bytes_with(tensors={name: (dtype, model.tensors[name][1]) for name in names})


def mutations_of_shapes(model):
    for at, name in enumerate(model.inputs):
        if name not in model.tensors:
            continue
        dtype, extents = model.tensors[name]
        shapes = {"more": [1] + extents, "more behind": extents + [1]}
        if extents:
            shapes.update({"fewer": extents[1:], "fewer behind": extents[:-1], "scalar": []})
        for axis in range(len(extents)):
            shapes[f"longer {axis}"] = extents[:axis] + [extents[axis] + 1] + extents[axis + 1:]
            shapes[f"empty {axis}"] = extents[:axis] + [0] + extents[axis + 1:]
        for label, shape in shapes.items():
            yield f"input {at} {label}", model.bytes_with(tensors={name: (dtype, shape)})


def other_values(attribute):
    """Other contents of the attribute, with a label."""
    KIND, FLOATS_OF, INT_OF, STRING_OF, INTS_OF = 20, 2, 3, 4, 8
    head = [each for each in attribute if each[0] in (1, 13, KIND)]
    kind = first(attribute, KIND)
    wrap = (1 << 64) - 1
    if kind == 2:
        value = first(attribute, INT_OF, 0)
        for other in sorted({value + 1, value - 1, -1, 0, 1, 2, 5, -5, 100, 1 << 40} - {value}):
            yield str(other), head + [(INT_OF, 0, other & wrap)]
    elif kind == 7 and all(field != INTS_OF or wire == 0 for field, wire, _ in attribute):
        values = every(attribute, INTS_OF)
        for label, others in (("shorter", values[:-1]), ("longer", values + [1]), ("negative", [-each for each in values]), ("zeros", [0] * len(values)),
                              ("greater", [each + 1 for each in values]), ("smaller", [each - 1 for each in values]), ("empty", [])):
            if others != values:
                yield label, head + [(INTS_OF, 0, each & wrap) for each in others]
    elif kind == 1:
        for other in (-1.0, 0.0, 1e30, float("nan")):
            yield str(other), head + [(FLOATS_OF, 5, struct.pack("<f", other))]
    elif kind == 3:
        for other in (b"", b"x", b"SAME_UPPER", b"linear"):
            yield repr(other), head + [(STRING_OF, 2, other)]


def mutations_of_attributes(model):
    for at, attribute in enumerate(model.attributes):
        name = first(attribute, 1).decode()
        for label, other in other_values(attribute):
            yield f"{name} {label}", model.bytes_with(attributes=model.attributes[:at] + [other] + model.attributes[at + 1:])
        yield f"{name} missing", model.bytes_with(attributes=model.attributes[:at] + model.attributes[at + 1:])


def mutations_of_arity(model):
    inputs, outputs = model.inputs, model.outputs
    yield "input twice", model.bytes_with(inputs=inputs + inputs[-1:])
    yield "no inputs", model.bytes_with(inputs=[])
    yield "nameless input more", model.bytes_with(inputs=inputs + [b""])
    yield "output more", model.bytes_with(outputs=outputs + [b"one_more"])
    for at in range(len(inputs)):
        yield f"input {at} nameless", model.bytes_with(inputs=inputs[:at] + [b""] + inputs[at + 1:])
        yield f"input {at} missing", model.bytes_with(inputs=inputs[:at] + inputs[at + 1:])
    for at in range(len(outputs)):
        yield f"output {at} nameless", model.bytes_with(outputs=outputs[:at] + [b""] + outputs[at + 1:])


FAMILIES = {"type": mutations_of_types, "shape": mutations_of_shapes, "attribute": mutations_of_attributes, "arity": mutations_of_arity}


def mutated(home, share):
    """Name → file of every share-th mutation, the same ones at every run; each distinct model once."""
    models, seen = {}, set()
    for path in sorted(glob.glob(TESTDATA + "/node/*/model.onnx")):
        model = NodeModel(path)
        if not model.node or "training" in model.domain:
            continue
        for family, mutations in FAMILIES.items():
            for label, content in mutations(model):
                name = f"{model.op} {family} {label} of {path.split('/')[-2]}"
                if content is None or content in seen or zlib.crc32(name.encode()) % share:
                    continue
                seen.add(content)
                models[name] = os.path.join(home, f"{len(models)}.onnx")
                with open(models[name], "wb") as out:
                    out.write(content)
    return models


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--share", type=int, default=1, help="one of so many mutations")
    arguments = parser.parse_args()
    if not os.environ.get("ORT_NODE"):
        print("INTEROP NOT RUN: ORT_NODE is not set")
        return 0
    with tempfile.TemporaryDirectory(prefix="mcompress-mutated-") as home:
        models = mutated(home, arguments.share)
        said = refusals(models)
        accepts = lambda path: subprocess.run([arguments.binary, "-q", "check", path], capture_output=True, timeout=60).returncode == 0
        with ThreadPoolExecutor(2) as pool:
            accepted = dict(zip(models, pool.map(accepts, models.values())))
    waivers, used, refused, failures = reasons(WAIVERS), set(), 0, []
    for name in models:
        if name in said and CHECK_OF_GRAPH.search(said[name]):
            refused += 1
            if accepted[name]:
                failures.append((name, "is accepted; " + said[name][-200:]))
        elif name not in said and " type " in name and not accepted[name]:
            failures.append((name, "is refused, and ONNX Runtime loads it"))
    missing = [(name, text) for name, text in failures if not matching(waivers, name)]
    used = {matching(waivers, name) for name, _ in failures}
    for name, text in missing:
        print(f"FAILED {name}: {text}")
    unused = set(waivers) - used if arguments.share == 1 else set()
    for pattern in unused:
        print(f"FAILED: the line '{pattern}' is not needed")
    print(f"{len(models)} mutated nodes, {refused} refused by ONNX Runtime's checks, {len(failures) - len(missing)} waived, {len(missing) + len(unused)} failures")
    return 1 if missing or unused else 0


if __name__ == "__main__":
    sys.exit(main())
