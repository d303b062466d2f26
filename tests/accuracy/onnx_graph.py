"""ONNX files as nodes and constants, by the wire format of protocol buffers alone: what a tool that rewrites graphs needs, nothing more."""
import dataclasses
import pathlib
import struct

import numpy as np

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7
NUMPY = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_, 10: np.float16, 11: np.float64}
TYPE_OF = {np.dtype(kind): number for number, kind in NUMPY.items()}


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at, number, shift = at + 1, number | (byte & 127) << shift, shift + 7
        if byte < 128:
            return number, at


def varint(number):
    coded, number = b'', number & (1 << 64) - 1
    while number >= 128:
        coded, number = coded + bytes([number & 127 | 128]), number >> 7
    return coded + bytes([number])


def fields(data):
    """(number, wire type, content): an int for varints, else bytes."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        wire = key & 7
        if wire == 0:
            content, at = read_varint(data, at)
        else:
            size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else read_varint(data, at)
            content, at = data[at:at + size], at + size
        yield key >> 3, wire, content


def field(number, content):
    """A field of one int, text or bytes."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def name_of(data):
    """Of an attribute, an input or an output: field 1."""
    return next(content for number, _, content in fields(data) if number == 1).decode()


def signed(number):
    return number - (1 << 64) if number >> 63 else number


def packed(contents, unpack):
    """A repeated number, packed or not."""
    numbers = []
    for wire, content in contents:
        numbers += [content] if wire == 0 else unpack(content)
    return numbers


def varints(content):
    at, numbers = 0, []
    while at < len(content):
        number, at = read_varint(content, at)
        numbers.append(number)
    return numbers


def tensor(data):
    """(name, array) of a TensorProto."""
    parts = {}
    for number, wire, content in fields(data):
        parts.setdefault(number, []).append((wire, content))
    shape = [signed(dim) for dim in packed(parts.get(1, []), varints)]
    kind = NUMPY[parts[2][0][1]]
    name = parts[8][0][1].decode() if 8 in parts else ''
    if 13 in parts:
        raise ValueError(f'{name} lies in another file')
    if 9 in parts:
        return name, np.frombuffer(parts[9][0][1], np.dtype(kind).newbyteorder('<')).astype(kind).reshape(shape)
    if 4 in parts:
        numbers = np.frombuffer(b''.join(content for _, content in parts[4]), '<f4')
    elif 10 in parts:
        numbers = np.frombuffer(b''.join(content for _, content in parts[10]), '<f8')
    else:
        numbers = np.array([signed(number) for number in packed(parts.get(5, []) + parts.get(7, []), varints)])
    return name, numbers.astype(kind).reshape(shape)


def tensor_bytes(name, array):
    array = np.asarray(array)
    dims = b''.join(field(1, int(dim)) for dim in array.shape)
    return dims + field(2, TYPE_OF[array.dtype]) + field(8, name) + field(9, array.astype(array.dtype.newbyteorder('<')).tobytes())


def attribute(name, value):
    """An AttributeProto of an int, a float, ints or a tensor."""
    if isinstance(value, float):
        return field(1, name) + varint(2 << 3 | 5) + struct.pack('<f', value) + field(20, 1)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + b''.join(field(8, int(item)) for item in value) + field(20, 7)


@dataclasses.dataclass
class Node:
    op: str
    inputs: list
    outputs: list
    domain: str = ''
    name: str = ''
    attributes: dict = dataclasses.field(default_factory=dict)  # name → AttributeProto as bytes

    @staticmethod
    def read(data):
        node = Node('', [], [])
        for number, _, content in fields(data):
            if number == 5:
                node.attributes[name_of(content)] = content
            elif number in (1, 2):
                (node.inputs if number == 1 else node.outputs).append(content.decode())
            elif number in (3, 4, 7):
                setattr(node, {3: 'name', 4: 'op', 7: 'domain'}[number], content.decode())
        return node

    def serialized(self):
        texts = [(1, name) for name in self.inputs] + [(2, name) for name in self.outputs] + [(3, self.name), (4, self.op), (7, self.domain)]
        return b''.join(field(number, text) for number, text in texts) + b''.join(field(5, data) for data in self.attributes.values())

    def value(self, name, default):
        """An attribute that is an int, a float or a tensor."""
        if name in self.attributes:
            for number, _, content in fields(self.attributes[name]):
                if number in (2, 3, 5):
                    return struct.unpack('<f', content)[0] if number == 2 else signed(content) if number == 3 else tensor(content)[1]
        return default

    def ints(self, name):
        parts = [(wire, content) for number, wire, content in fields(self.attributes.get(name, b'')) if number == 8]
        return [signed(number) for number in packed(parts, varints)]

    def reads(self):
        """Every value it needs, those that the graphs inside of it take from outside included."""
        names = [name for name in self.inputs if name]
        for data in self.attributes.values():
            for number, _, content in fields(data):
                if number in (6, 11):
                    names += free_names(content)
        return names


def free_names(graph):
    """What a graph takes from the graphs around it."""
    own, needed = set(), []
    for number, _, content in fields(graph):
        if number == 1:
            node = Node.read(content)
            needed += node.reads()
            own.update(node.outputs)
        elif number == 5:
            own.add(tensor(content)[0])
        elif number in (11, 12):
            name = name_of(content)
            (own.add if number == 11 else needed.append)(name)
    return [name for name in needed if name not in own]


@dataclasses.dataclass
class Model:
    nodes: list
    constants: dict                    # name → array
    inputs: list                       # names, constants left out
    outputs: list
    opsets: dict
    declared: list                     # (number, name, content) of the graph's fields that are inputs and outputs
    rest: list                         # (number, content) of the model's functions
    ir: int = 8
    extra_outputs: list = dataclasses.field(default_factory=list)  # names of values

    @staticmethod
    def read(path):
        model = Model([], {}, [], [], {}, [], [])
        for number, _, content in fields(pathlib.Path(path).read_bytes()):
            if number == 7:
                model.read_graph(content)
            elif number == 8:
                parts = {n: c for n, _, c in fields(content)}
                model.opsets[parts.get(1, b'').decode()] = parts[2]
            elif number == 1:
                model.ir = content
            elif number == 25:
                model.rest.append((25, content))
        model.inputs = [name for name in model.inputs if name not in model.constants]
        return model

    def read_graph(self, data):
        for number, _, content in fields(data):
            if number == 1:
                self.nodes.append(Node.read(content))
            elif number == 5:
                name, array = tensor(content)
                self.constants[name] = array
            elif number in (11, 12):
                name = name_of(content)
                (self.inputs if number == 11 else self.outputs).append(name)
                self.declared.append((number, name, content))
        for node in [node for node in self.nodes if node.op == 'Constant' and 'value' in node.attributes]:
            self.constants[node.outputs[0]] = node.value('value', None)
            self.nodes.remove(node)

    def readers(self):
        table = {}
        for node in self.nodes:
            for name in node.reads():
                table.setdefault(name, []).append(node)
        return table

    def sort(self):
        """Nodes behind what they read."""
        produced = {name: node for node in self.nodes for name in node.outputs if name}
        done, ordered = set(), []
        for first in self.nodes:
            stack = [first]
            while stack:
                node = stack[-1]
                waits = [] if id(node) in done else [produced[n] for n in node.reads() if n in produced and id(produced[n]) not in done]
                if waits:
                    stack.append(waits[0])
                    continue
                stack.pop()
                if id(node) not in done:
                    done.add(id(node))
                    ordered.append(node)
        self.nodes = ordered

    def raise_to_11(self):
        """Quantizers need opset 10, dynamic ones 11. Slice is all that changed of what the models here hold."""
        if self.opsets.get('', 1) < 10:
            for node in [node for node in self.nodes if node.op == 'Slice']:
                for key in ('starts', 'ends', 'axes'):
                    if key in node.attributes:
                        name = f'{node.outputs[0]}_{key}'
                        self.constants[name] = np.array(node.ints(key), np.int64)
                        node.inputs.append(name)
                node.attributes = {}
        self.opsets[''] = max(self.opsets.get('', 1), 11)

    def write(self, path):
        self.sort()
        read = set(self.outputs).union(*(node.reads() for node in self.nodes))
        graph = b''.join(field(1, node.serialized()) for node in self.nodes) + field(2, 'graph')
        graph += b''.join(field(5, tensor_bytes(name, array)) for name, array in self.constants.items() if name in read)
        graph += b''.join(field(number, content) for number, name, content in self.declared if number == 12 or name not in self.constants)
        graph += b''.join(field(12, field(1, name)) for name in self.extra_outputs)
        opsets = b''.join(field(8, field(1, domain) + field(2, version)) for domain, version in self.opsets.items())
        pathlib.Path(path).write_bytes(field(1, self.ir) + field(7, graph) + opsets + b''.join(field(n, c) for n, c in self.rest))
