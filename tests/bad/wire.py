"""Writes ONNX models field by field, so that they can be wrong in any way: a protobuf encoder without a schema."""
import struct


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def single(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def join(parts):
    return b"".join(parts)


FLOAT, UINT8, INT8, INT32, INT64, STRING, BOOL, FLOAT16, DOUBLE, COMPLEX64, BFLOAT16, FLOAT8E4M3FN, INT4 = 1, 2, 3, 6, 7, 8, 9, 10, 11, 14, 16, 17, 22


def dims(values):
    return join(number(1, value) for value in values)


def tensor(name, shape, raw=None, dtype=FLOAT, extra=b""):
    return dims(shape) + number(2, dtype) + data(8, name) + (data(9, raw) if raw is not None else b"") + extra


def floats(name, shape, values):
    return tensor(name, shape, struct.pack("<%df" % len(values), *values))


def int64s(name, shape, values):
    return tensor(name, shape, struct.pack("<%dq" % len(values), *values), INT64)


def external(name, shape, entries, dtype=FLOAT):
    pairs = join(data(13, data(1, key) + data(2, value)) for key, value in entries)
    return tensor(name, shape, None, dtype, pairs + number(14, 1))


def value(name, shape=(1, 4), dtype=FLOAT):
    inner = join(data(1, number(1, extent) if isinstance(extent, int) else data(2, extent)) for extent in shape)
    return data(1, name) + data(2, data(1, number(1, dtype) + data(2, inner)))


def attribute(name, kind, payload):
    return data(1, name) + payload + number(20, kind)


def attr_int(name, value_):
    return attribute(name, 2, number(3, value_))


def attr_ints(name, values):
    return attribute(name, 7, join(number(8, each) for each in values))


def attr_float(name, value_):
    return attribute(name, 1, single(2, value_))


def attr_tensor(name, value_):
    return attribute(name, 4, data(5, value_))


def attr_graph(name, value_):
    return attribute(name, 5, data(6, value_))


def node(op, inputs, outputs, name="n", attributes=(), domain=""):
    return (join(data(1, each) for each in inputs) + join(data(2, each) for each in outputs) + data(3, name) + data(4, op) +
            join(data(5, each) for each in attributes) + (data(7, domain) if domain else b""))


def graph(nodes, inputs, outputs, initializers=(), extra=b"", name="g"):
    return (join(data(1, each) for each in nodes) + data(2, name) + join(data(5, each) for each in initializers) +
            join(data(11, each) for each in inputs) + join(data(12, each) for each in outputs) + extra)


def opset(version=17, domain=""):
    return data(8, (data(1, domain) if domain else b"") + number(2, version))


def model(graph_bytes, ir=8, opsets=None, extra=b""):
    return ((number(1, ir) if ir is not None else b"") + (data(7, graph_bytes) if graph_bytes is not None else b"") +
            (opset() if opsets is None else opsets) + extra)


def relu_model(**changes):
    """x [1,4] -> Relu -> y."""
    return model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("y")]), **changes)


def weight_model(initializer, shape=(1, 4), extra=b""):
    """x + w -> y with the given initializer 'w'."""
    return model(graph([node("Add", ["x", "w"], ["y"], "add")], [value("x", shape)], [value("y", shape)], [initializer], extra))
