"""The catalogue of bad inputs, B01 to B96: how each is made, what mcompress is asked to do with it, and what has to come of it.

A case is (identifier, make, command, outcome, part): make(folder) writes the files, {f} in the command is the folder; the outcome is an exit code with an error
code, as "3 E3002", or "0" for what has to be accepted; `part` has to occur in what is said (on standard error, or anywhere when accepted)."""
import os
import struct
import zipfile
import zlib

from wire import *

CASES = []


def case(identifier, outcome, part, command="optimize {f}/m.onnx -o {f}/out/o.onnx"):
    def register(make):
        CASES.append((identifier, make, command, outcome, part))
        return make
    return register


def put(folder, content, name="m.onnx"):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        out.write(content)


def bad_file(identifier, outcome, part, content, **more):
    case(identifier, outcome, part, **more)(lambda folder: put(folder, content() if callable(content) else content))


def pairs(*entries):
    return list(entries)


# --- files -----------------------------------------------------------------------------------------------------------------------------------------------
case("B01 missing", "4 E4001", "m.onnx")(lambda folder: None)


@case("B02 no permission", "4 E4002", "m.onnx")
def _(folder):
    put(folder, relu_model())
    os.chmod(os.path.join(folder, "m.onnx"), 0)


case("B03 directory", "4 E4004", "regular file")(lambda folder: os.makedirs(os.path.join(folder, "m.onnx")))
bad_file("B04 empty", "3 E3001", "empty", b"")
TO_CUT = model(graph([node("MatMul", ["x", "w"], ["a"], "mul"), node("Relu", ["a"], ["y"], "act")], [value("x")], [value("y")], [floats("w", [4, 4], [0.5] * 16)]))
for part_ in range(64):
    length_ = 1 + part_ * (len(TO_CUT) - 1) // 64
    bad_file(f"B05 truncated to {length_}", "3 E300", "m.onnx", TO_CUT[:length_])
bad_file("B06 random bytes", "3 E3001", "m.onnx", bytes((each * 197 + 31) % 256 for each in range(4096)))
bad_file("B07 html", "3 E3001", "HTML", b"<!DOCTYPE html>\n<html><body>404 Not Found</body></html>\n")
bad_file("B08 git lfs", "3 E3001", "git lfs pull", b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 13966359\n")
bad_file("B09 zip", "3 E3001", "zip", b"PK\x03\x04" + b"\0" * 60)
bad_file("B09 gzip", "3 E3001", "gzip", b"\x1f\x8b\x08\0" + b"\0" * 60)
bad_file("B09 safetensors", "3 E3001", "safetensors", struct.pack("<Q", 40) + b'{"w":{"dtype":"F32","shape":[1]}}' + b" " * 40)
bad_file("B09 gguf", "3 E3001", "GGUF", b"GGUF\x03\0\0\0" + b"\0" * 60)
bad_file("B09 tflite", "3 E3001", "TensorFlow Lite", b"\x1c\0\0\0TFL3" + b"\0" * 60)


@case("B10 more than 2 GiB in one file", "3 E3003", "external data")
def _(folder):
    # A hole for the weights: nothing is written but the first bytes.
    head = data(7, b"")[:1] + varint((1 << 31) + 64) + data(1, node("Relu", ["x"], ["y"])) + varint(5 << 3 | 2) + varint((1 << 31)) + varint(9 << 3 | 2)
    with open(os.path.join(folder, "m.onnx"), "wb") as out:
        out.write(number(1, 8) + opset() + head)
        out.truncate((1 << 31) + 200)


case("B11 fifo", "4 E4004", "regular file")(lambda folder: os.mkfifo(os.path.join(folder, "m.onnx")))
case("B11 device", "4 E4004", "regular file", command="optimize /dev/zero -o {f}/out/o.onnx")(lambda folder: None)
bad_file("B12 ORT format", "3 E3001", ".ort", b"\x10\0\0\0ORTM" + b"\0" * 60)
bad_file("B13 trailing garbage", "3 E300", "m.onnx", relu_model() + b"\xff\xff\xff\xff\xff\xff")

# --- models ----------------------------------------------------------------------------------------------------------------------------------------------
bad_file("B15 no graph", "3 E3003", "graph", lambda: model(None))
bad_file("B16 no ir version", "3 E3003", "IR version", lambda: relu_model(ir=None))
bad_file("B16 ir version 0", "3 E3003", "IR version", lambda: relu_model(ir=0))
bad_file("B17 ir version 99", "3 E3003", "IR version", lambda: relu_model(ir=99))
bad_file("B18 no opset", "3 E3003", "operator set", lambda: relu_model(opsets=b""))
bad_file("B19 opset 999", "3 E3010", "999", lambda: relu_model(opsets=opset(999)))
bad_file("B19 opset 0", "3 E3003", "version 0", lambda: relu_model(opsets=opset(0)))
bad_file("B20 opset twice", "3 E3003", "17 and 13", lambda: relu_model(opsets=opset(17) + opset(13)))
bad_file("B21 unknown operator", "0", "", lambda: model(graph([node("NoSuchOperator", ["x"], ["y"])], [value("x")], [value("y")])))
bad_file("B22 unknown domain", "0", "", lambda: model(graph([node("Relu", ["x"], ["y"], domain="my.ops")], [value("x")], [value("y")]),
                                                      opsets=opset() + opset(1, "my.ops")))
bad_file("B22 domain without import", "3 E3", "my.ops", lambda: model(graph([node("Relu", ["x"], ["y"], domain="my.ops")], [value("x")], [value("y")])))
bad_file("B23 empty graph", "3 E3003", "output", lambda: model(graph([], [], [])))
bad_file("B23 no outputs", "3 E3003", "output", lambda: model(graph([node("Relu", ["x"], ["y"])], [value("x")], [])))
bad_file("B23 input without a type", "3 E3003", "element type", lambda: model(graph([node("Relu", ["x"], ["y"])], [data(1, "x")], [value("y")])))
bad_file("B23 input of element type 0", "3 E3003", "element type", lambda: model(graph([node("Relu", ["x"], ["y"])], [value("x", dtype=0)], [value("y")])))
bad_file("B24 training information", "0", "", lambda: relu_model(extra=data(20, data(2, graph([node("Abs", ["x"], ["t"])], [value("x")], [value("t")], name="step")))))
bad_file("B25 metadata key twice", "0", "", lambda: relu_model(extra=data(14, data(1, "k") + data(2, "a")) + data(14, data(1, "k") + data(2, "b"))))

# --- names -----------------------------------------------------------------------------------------------------------------------------------------------
bad_file("B26 two nodes one output", "3 E3003", "'y'", lambda: model(graph([node("Relu", ["x"], ["y"], "a"), node("Abs", ["x"], ["y"], "b")], [value("x")], [value("y")])))
bad_file("B27 initializer twice", "3 E3003", "'w'", lambda: model(graph([node("Add", ["x", "w"], ["y"])], [value("x")], [value("y")],
                                                                       [floats("w", [4], [1] * 4), floats("w", [4], [2] * 4)])))
bad_file("B28 initializer is an output", "3 E3003", "'y'", lambda: model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("y")], [floats("y", [1, 4], [1] * 4)])))
bad_file("B29 undefined input", "3 E3003", "'ghost'", lambda: model(graph([node("Add", ["x", "ghost"], ["y"])], [value("x")], [value("y")])))
bad_file("B30 output not produced", "3 E3003", "'nothing'", lambda: model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("nothing")])))
bad_file("B31 cycle of two", "3 E3003", "cycle", lambda: model(graph([node("Add", ["x", "b"], ["a"], "a"), node("Relu", ["a"], ["b"], "b")], [value("x")], [value("b")])))
bad_file("B31 cycle of one", "3 E3003", "cycle", lambda: model(graph([node("Add", ["x", "a"], ["a"], "a")], [value("x")], [value("a")])))
bad_file("B31 long cycle", "3 E3003", "cycle", lambda: model(graph([node("Add", ["x", "v999"], ["v0"], "n0")] + [node("Relu", [f"v{at}"], [f"v{at + 1}"], f"n{at + 1}") for at in range(999)],
                                                                  [value("x")], [value("v999")])))
bad_file("B32 wrong order", "0", "", lambda: model(graph([node("Relu", ["a"], ["y"], "b"), node("Abs", ["x"], ["a"], "a")], [value("x")], [value("y")])))
bad_file("B33 output without a name", "3 E3003", "''", lambda: model(graph([node("Relu", ["x"], ["y"])], [value("x")], [value("")])))
for at_, name_ in enumerate(("a\x1b[31mb", "a\nb", "::error::x", "<script>", "=cmd()", "a\0b")):
    bad_file(f"B34 strange name {at_}", "3 E3003", "", lambda name_=name_: model(graph([node("Relu", [name_], ["y"])], [value("x")], [value("y")])))
bad_file("B35 invalid UTF-8", "3 E3003", "", lambda: model(graph([node("Relu", [b"\xff\xfe\xc3("], ["y"])], [value("x")], [value("y")])))
bad_file("B36 long name", "3 E3003", "", lambda: model(graph([node("Relu", ["n" * 1000000], ["y"])], [value("x")], [value("y")])))


def shadowing(name):
    """The body of an If computes a value that is called as one outside."""
    body = graph([node("Abs", ["x"], [name], "inner")], [], [value(name)], name="body")
    other = graph([node("Neg", ["x"], ["other"], "neg")], [], [value("other")], name="other")
    return model(graph([node("Relu", ["x"], ["a"], "outer"), node("If", ["c"], ["b"], "if", [attr_graph("then_branch", body), attr_graph("else_branch", other)]),
                        node("Add", ["a", "b"], ["y"], "add")], [value("c", (), BOOL), value("x")], [value("y")]))


bad_file("B37 a body hides a value", "0", "", lambda: shadowing("a"))
bad_file("B37 a body reads what it hides", "3 E3003", "cycle", lambda: shadowing("x"))

# --- tensors ---------------------------------------------------------------------------------------------------------------------------------------------
bad_file("B38 negative extent", "3 E3004", "'w'", lambda: weight_model(tensor("w", [-4], b"\0" * 16)))
bad_file("B39 extents overflow", "3 E300", "'w'", lambda: weight_model(tensor("w", [1 << 40, 1 << 40], b"\0" * 16)))
bad_file("B40 2^40 elements", "3 E3004", "'w'", lambda: weight_model(tensor("w", [1 << 40], b"\0" * 16)))
bad_file("B41 data too short", "3 E3004", "16", lambda: weight_model(tensor("w", [4], b"\0" * 12)))
bad_file("B42 data too long", "3 E3004", "16", lambda: weight_model(tensor("w", [4], b"\0" * 20)))
bad_file("B43 part of an element", "3 E3004", "'w'", lambda: weight_model(tensor("w", [4], b"\0" * 15)))
bad_file("B44 two fields", "3 E3004", "'w'", lambda: weight_model(tensor("w", [4], b"\0" * 16, extra=data(4, struct.pack("<4f", 1, 2, 3, 4)))))
bad_file("B45 type 0", "3 E3004", "'w'", lambda: weight_model(tensor("w", [4], b"\0" * 16, 0)))
bad_file("B45 type 999", "3 E3004", "999", lambda: weight_model(tensor("w", [4], b"\0" * 16, 999)))
bad_file("B45 value of type 42", "3 E3003", "42", lambda: model(graph([node("Relu", ["x"], ["y"], "relu")], [value("x")], [value("y", dtype=42)])))
bad_file("B46 strings in raw data", "3 E3004", "'w'", lambda: weight_model(tensor("w", [4], b"\0" * 16, STRING)))
bad_file("B47 string weight", "3 E3008", "add", lambda: weight_model(tensor("w", [4], None, STRING, join(data(6, "a") for _ in range(4)))))
bad_file("B48 no element, some data", "3 E3004", "'w'", lambda: weight_model(tensor("w", [0], b"\0" * 4)))
bad_file("B49 scalar of two values", "3 E3004", "'w'", lambda: weight_model(tensor("w", [], b"\0" * 8)))
bad_file("B50 odd int4 in two bytes too many", "3 E3004", "'w'", lambda: weight_model(tensor("w", [3], b"\0" * 3, INT4)))
bad_file("B51 complex weight", "3 E3", "add", lambda: weight_model(tensor("w", [4], b"\0" * 32, COMPLEX64)))
bad_file("B52 NaN weight", "3 E3014", "'w'", lambda: model(graph([node("MatMul", ["x", "w"], ["y"], "mul")], [value("x")], [value("y")],
                                                                [floats("w", [4, 4], [float("nan")] + [1.0] * 15)])),
         command="quantize {f}/m.onnx -o {f}/out/o.onnx")
bad_file("B53 channel of zeros", "0", "", lambda: model(graph([node("MatMul", ["x", "w"], ["y"], "mul")], [value("x")], [value("y")],
                                                             [floats("w", [4, 4], [0.0] * 4 + [1.0] * 12)])),
         command="quantize {f}/m.onnx -o {f}/out/o.onnx")
bad_file("B54 denormal and huge", "0", "", lambda: model(graph([node("MatMul", ["x", "w"], ["y"], "mul")], [value("x")], [value("y")],
                                                              [floats("w", [4, 4], [1e-42, 3e38] * 8)])),
         command="quantize {f}/m.onnx -o {f}/out/o.onnx")
bad_file("B55 segment", "3 E3004", "segment", lambda: weight_model(tensor("w", [4], b"\0" * 16, extra=data(3, number(1, 0) + number(2, 2)))))


# --- external data ---------------------------------------------------------------------------------------------------------------------------------------
def external_case(identifier, outcome, part, entries, prepare=None, shape=(4,)):
    def make(folder):
        put(folder, weight_model(external("w", shape, entries)), "model/m.onnx")
        put(folder, struct.pack("<4f", 1, 2, 3, 4), "outside.bin")
        if prepare:
            prepare(folder)
    case(identifier, outcome, part, command="optimize {f}/model/m.onnx -o {f}/out/o.onnx")(make)


def location(path):
    return [("location", path)]


def sixteen(folder, name="model/w.bin"):
    put(folder, struct.pack("<4f", 1, 2, 3, 4), name)


def symlink(source, target):
    return lambda folder: (os.makedirs(os.path.dirname(os.path.join(folder, target)), exist_ok=True), os.symlink(source, os.path.join(folder, target)))


external_case("B56 parent folder", "3 E3005", "'w'", location("../outside.bin"))
external_case("B57 there and back", "3 E3005", "'w'", location("a/../../outside.bin"))
external_case("B58 absolute", "3 E3005", "/etc/passwd", location("/etc/passwd"))
external_case("B59 link out", "3 E3005", "'w'", location("w.bin"), symlink("../outside.bin", "model/w.bin"))
external_case("B60 folder link out", "3 E3005", "'w'", location("sub/outside.bin"), symlink("..", "model/sub"))


@case("B61 hugging face cache", "0", "", command="optimize {f}/snapshots/m.onnx -o {f}/out/o.onnx")
def _(folder):
    put(folder, weight_model(external("w", [4], location("w.bin"))), "blobs/aaa")
    sixteen(folder, "blobs/bbb")
    symlink("../blobs/aaa", "snapshots/m.onnx")(folder)
    symlink("../blobs/bbb", "snapshots/w.bin")(folder)


external_case("B62 hard link", "0", "", location("w.bin"), lambda folder: os.link(os.path.join(folder, "outside.bin"), os.path.join(folder, "model/w.bin")))
external_case("B63 missing", "3 E3005", "w.bin", location("w.bin"))
external_case("B64 negative offset", "3 E3005", "offset", location("w.bin") + [("offset", "-4")], sixteen)
external_case("B64 word for offset", "3 E3005", "offset", location("w.bin") + [("offset", "four")], sixteen)
external_case("B64 length with a sign", "3 E3005", "length", location("w.bin") + [("length", "-16")], sixteen)
external_case("B65 beyond the end", "3 E3005", "'w'", location("w.bin") + [("offset", "8"), ("length", "16")], sixteen)
external_case("B66 huge length", "3 E3005", "'w'", location("w.bin") + [("length", str(1 << 50))], sixteen)
external_case("B66 offset overflows", "3 E3005", "'w'", location("w.bin") + [("offset", str((1 << 64) - 8)), ("length", "16")], sixteen)
external_case("B67 no location", "3 E3005", "location", [("offset", "0")])
external_case("B67 empty location", "3 E3005", "location", location(""))
external_case("B68 fifo", "3 E3005", "regular", location("w.bin"), lambda folder: os.mkfifo(os.path.join(folder, "model/w.bin")))
external_case("B68 link to a device", "3 E3005", "'w'", location("w.bin"), symlink("/dev/zero", "model/w.bin"))
external_case("B68 folder", "3 E3005", "regular", location("sub"), lambda folder: os.makedirs(os.path.join(folder, "model/sub")))
for at_, path_ in enumerate(("..\\outside.bin", "C:\\w.bin", "\\\\host\\w.bin", "w\0.bin")):
    external_case(f"B69 strange path {at_}", "3 E3005", "'w'", location(path_), sixteen)


@case("B70 overlapping and unaligned", "0", "", command="optimize {f}/m.onnx -o {f}/out/o.onnx")
def _(folder):
    put(folder, model(graph([node("Add", ["x", "w"], ["a"], "a"), node("Add", ["a", "v"], ["y"], "b")], [value("x")], [value("y")],
                            [external("w", [4], location("w.bin") + [("offset", "1"), ("length", "16")]),
                             external("v", [4], location("w.bin") + [("offset", "3"), ("length", "16")])])))
    put(folder, b"\0" * 32, "w.bin")


external_case("B71 wrong checksum", "3 E3005", "SHA-1", location("w.bin") + [("checksum", "0" * 40)], sixteen)


@case("B72 output is the data file", "2 E1003", "w.bin", command="optimize {f}/m.onnx --force -o {f}/w.bin")
def _(folder):
    put(folder, weight_model(external("w", [4], location("w.bin"))))
    sixteen(folder, "w.bin")


@case("B73 in an attribute", "3 E3005", "outside.bin", command="optimize {f}/model/m.onnx -o {f}/out/o.onnx")
def _(folder):
    constant = node("Constant", [], ["w"], "c", [attr_tensor("value", external("", [4], location("../outside.bin")))])
    put(folder, model(graph([constant, node("Add", ["x", "w"], ["y"])], [value("x")], [value("y")])), "model/m.onnx")
    sixteen(folder, "outside.bin")


@case("B73 in a body", "3 E3005", "outside.bin", command="optimize {f}/model/m.onnx -o {f}/out/o.onnx")
def _(folder):
    body = graph([node("Identity", ["w"], ["b"])], [], [value("b", (4,))], [external("w", [4], location("../outside.bin"))], name="body")
    branch = node("If", ["c"], ["y"], "if", [attr_graph("then_branch", body), attr_graph("else_branch", body)])
    put(folder, model(graph([branch], [value("c", (), BOOL)], [value("y", (4,))])), "model/m.onnx")
    sixteen(folder, "outside.bin")


# --- sparse tensors --------------------------------------------------------------------------------------------------------------------------------------
def sparse_model(indices, values=(1.0, 2.0), shape=(1, 4)):
    count = len(values)
    sparse = data(1, floats("w", [count], list(values))) + data(2, int64s("", [len(indices)], list(indices))) + join(number(3, each) for each in shape)
    return model(graph([node("Add", ["x", "w"], ["y"], "add")], [value("x", shape)], [value("y", shape)], extra=data(15, sparse)))


bad_file("B74 sparse index too large", "3 E3004", "'w'", lambda: sparse_model([0, 4]))
bad_file("B74 sparse index negative", "3 E3004", "'w'", lambda: sparse_model([-1, 2]))
bad_file("B75 sparse indices unsorted", "3 E3004", "'w'", lambda: sparse_model([2, 1]))
bad_file("B75 sparse index twice", "3 E3004", "'w'", lambda: sparse_model([2, 2]))
bad_file("B76 sparse counts differ", "3 E3004", "'w'", lambda: sparse_model([0, 1, 2]))
bad_file("B77 sparse of 2^40", "5 E5001", "w", lambda: sparse_model([0, 1], shape=(1 << 20, 1 << 20)))


# --- structure -------------------------------------------------------------------------------------------------------------------------------------------
def nested(levels):
    body = graph([node("Identity", ["x"], ["b"])], [], [value("b")], name="b")
    for _ in range(levels):
        body = graph([node("If", ["c"], ["b"], "if", [attr_graph("then_branch", body), attr_graph("else_branch", graph([node("Identity", ["x"], ["b"])], [], [value("b")]))])],
                     [], [value("b")], name="b")
    return body


def deep_model(levels):
    inner = nested(levels)
    return model(graph([node("If", ["c"], ["y"], "if", [attr_graph("then_branch", inner), attr_graph("else_branch", nested(0))])],
                       [value("c", (), BOOL), value("x")], [value("y")]))


bad_file("B31 body that returns its node's result", "3 E3003", "cycle", lambda: model(graph(
    [node("If", ["c"], ["y"], "n", [attr_graph("then_branch", graph([], [], [data(1, "y")])), attr_graph("else_branch", graph([], [], [data(1, "y")]))])],
    [value("c", (), BOOL)], [value("y")])))
bad_file("B37 body that returns a value from outside", "3 E3003", "Identity", lambda: model(graph(
    [node("If", ["c"], ["y"], "n", [attr_graph("then_branch", graph([], [], [data(1, "x")])), attr_graph("else_branch", graph([], [], [data(1, "x")]))])],
    [value("x"), value("c", (), BOOL)], [value("y")])))


@case("B78 body with inputs", "3 E3009", "'then_branch' has 1 inputs")
def _(folder):
    """An If gives its branches nothing; ONNX Runtime refuses such a model, too."""
    branch = graph([node("Relu", ["x"], ["b"])], [value("x")], [value("b")], name="b")
    put(folder, model(graph([node("If", ["c"], ["y"], "if", [attr_graph("then_branch", branch), attr_graph("else_branch", nested(0))])],
                            [value("c", (), BOOL), value("x")], [value("y")])))


bad_file("B78 nested 40 deep", "3 E3013", "nest", lambda: deep_model(40))
bad_file("B78 nested 2000 deep", "3 E3013", "nest", lambda: deep_model(2000))


def function(name, nodes, domain="f"):
    return data(25, data(1, name) + data(4, "a") + data(5, "b") + join(data(7, each) for each in nodes) + data(9, number(2, 17)) + data(9, data(1, "f") + number(2, 1)) + data(10, domain))


def function_model(functions, call="f0"):
    return model(graph([node(call, ["x"], ["y"], domain="f")], [value("x")], [value("y")]), opsets=opset() + opset(1, "f"), extra=join(functions))


bad_file("B79 function calls itself", "3 E3003", "f0", lambda: function_model([function("f0", [node("f0", ["a"], ["b"], domain="f")])]))
bad_file("B79 functions call each other", "3 E3003", "f", lambda: function_model(
    [function("f0", [node("f1", ["a"], ["b"], domain="f")]), function("f1", [node("f0", ["a"], ["b"], domain="f")])]))
bad_file("B80 10001 functions", "0", "", lambda: function_model([function(f"f{at}", [node("Relu", ["a"], ["b"])]) for at in range(10001)]))
bad_file("B81 chain of 30000", "0", "", lambda: model(graph([node("Relu" if at % 2 else "Abs", [f"v{at}" if at else "x"], [f"v{at + 1}"], f"n{at}") for at in range(30000)], [value("x")], [value("v30000")])))
bad_file("B82 2^40 nodes by functions", "5 E5001", "function", lambda: function_model(
    [function(f"f{at}", [node(f"f{at + 1}", ["a"], ["t"], "l", domain="f"), node(f"f{at + 1}", ["t"], ["b"], "r", domain="f")]) for at in range(40)] +
    [function("f40", [node("Relu", ["a"], ["b"])])]))
bad_file("B83 100000 inputs", "0", "", lambda: model(graph([node("Sum", ["x"] * 100000, ["y"])], [value("x")], [value("y")])))
bad_file("B84 required output left out", "3 E3008", "required output 0", lambda: model(graph([node("TopK", ["x", "k"], ["", "y"], "n")], [value("x"), value("k", (1,), INT64)], [value("y", (1, 4), INT64)])))
bad_file("B84 operator given another type", "3 E3008", "int32, int64", lambda: model(graph([node("Gather", ["x", "i"], ["y"])], [value("x"), value("i", (2,))], [value("y")])))
bad_file("B84 attribute of a wrong type", "3 E3009", "alpha", lambda: model(graph([node("LeakyRelu", ["x"], ["y"], "n", [attr_int("alpha", 1)])], [value("x")], [value("y")])))
bad_file("B84 attribute missing", "3 E3009", "to", lambda: model(graph([node("Cast", ["x"], ["y"], "n")], [value("x")], [value("y")])))
bad_file("B84 reference outside a function", "3 E3", "alpha", lambda: model(graph([node("LeakyRelu", ["x"], ["y"], "n", [data(1, "alpha") + data(21, "outer") + number(20, 1)])], [value("x")], [value("y")])))


# --- operators -------------------------------------------------------------------------------------------------------------------------------------------
def conv_model(attributes=(), weight=(2, 1, 3, 3)):
    count = 1
    for each in weight:
        count *= each
    return model(graph([node("Conv", ["x", "w"], ["y"], "conv", attributes)], [value("x", (1, 1, 8, 8))], [value("y", ("a", "b", "c", "d"))], [floats("w", weight, [1.0] * count)]))


bad_file("B85 stride 0", "3 E30", "conv", lambda: conv_model([attr_ints("strides", [0, 1])]))
bad_file("B85 negative dilation", "3 E30", "conv", lambda: conv_model([attr_ints("dilations", [-1, 1])]))
bad_file("B85 kernel 0", "3 E30", "conv", lambda: conv_model([attr_ints("kernel_shape", [0, 3])]))
bad_file("B86 group 0", "3 E30", "conv", lambda: conv_model([attr_int("group", 0)]))
bad_file("B86 group does not divide", "3 E30", "conv", lambda: conv_model([attr_int("group", 3)]))
bad_file("B87 axis out of range", "3 E30", "flat", lambda: model(graph([node("Flatten", ["x"], ["y"], "flat", [attr_int("axis", 7)])], [value("x")], [value("y", ("a", "b"))])))
bad_file("B87 perm with an axis twice", "3 E30", "turn", lambda: model(graph([node("Transpose", ["x"], ["y"], "turn", [attr_ints("perm", [1, 1])])], [value("x")], [value("y", ("a", "b"))])))
bad_file("B88 weight of another rank", "3 E3008", "conv", lambda: conv_model(weight=(2, 1, 3)))


def shape_bomb(op, inputs, initializers):
    return lambda: model(graph([node(op, inputs, ["b"], "bomb"), node("ReduceSum", ["b"], ["y"], "sum", [attr_int("keepdims", 0)])], [value("x")], [value("y", ())], initializers))


HUGE = [1 << 30, 1 << 30]
bad_file("B89 ConstantOfShape of 2^60", "0", "", shape_bomb("ConstantOfShape", ["s"], [int64s("s", [2], HUGE)]))
bad_file("B89 Expand to 2^60", "0", "", shape_bomb("Expand", ["w", "s"], [floats("w", [1, 1], [1.0]), int64s("s", [2], HUGE)]))
bad_file("B89 Tile to 2^60", "0", "", shape_bomb("Tile", ["w", "s"], [floats("w", [1, 1], [1.0]), int64s("s", [2], HUGE)]))
bad_file("B89 Range of 2^62", "3 E3008", "bomb", shape_bomb("Range", ["a", "e", "d"], [int64s("a", [], [0]), int64s("e", [], [1 << 62]), int64s("d", [], [1])]))


def quantized_model(scale, zero=None, axis=None):
    initializers = [scale] + ([zero] if zero is not None else [])
    names = ["s"] + (["z"] if zero is not None else [])
    attributes = [attr_int("axis", axis)] if axis is not None else []
    return model(graph([node("QuantizeLinear", ["x"] + names, ["q"], "quant", attributes), node("DequantizeLinear", ["q"] + names, ["y"], "dequant", attributes)],
                       [value("x")], [value("y")], initializers))


# What multiplies may be 0 or negative, but nothing can be divided by it.
bad_file("B90 zero point of another type", "3 E3008", "quant", lambda: model(graph(
    [node("DequantizeLinear", ["q", "s", "z"], ["y"], "dequant")], [value("q", (1, 4), UINT8)], [value("y")], [floats("s", [], [0.1]), tensor("z", [], b"\0", INT8)])))
bad_file("B90 axis out of range", "3 E30", "quant", lambda: quantized_model(floats("s", [4], [0.1] * 4), tensor("z", [4], b"\0" * 4, UINT8), 7))
for at_, scale_ in enumerate((0.0, float("nan"), -1.0, float("inf"))):
    bad_file(f"B90 scale {scale_}", "3 E3", "quant", lambda scale_=scale_: quantized_model(floats("s", [], [scale_]), tensor("z", [], b"\0", UINT8)))

# --- data and configuration ------------------------------------------------------------------------------------------------------------------------------
IMAGES = "quantize {f}/m.onnx --data {f}/data --color gray --resize 8x8 --effort fast -o {f}/out/o.onnx"
QUANTIZE = "quantize {f}/m.onnx --data {f}/data --effort fast -o {f}/out/o.onnx"


def data_case(identifier, outcome, part, prepare, command=QUANTIZE):
    def make(folder):
        put(folder, conv_model())
        prepare(folder)
    case(identifier, outcome, part, command=command)(make)


def npy(descr, shape, payload, version=1):
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (63 - (len(header) + 10) % 64) + "\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H", len(header)) + header.encode() + payload


def npz(entries, compression=zipfile.ZIP_STORED):
    def prepare(folder):
        with zipfile.ZipFile(os.path.join(folder, "d.npz"), "w", compression) as archive:
            for name, content in entries:
                archive.writestr(name, content)
    return prepare


def png(width, height):
    """Of that size by its header, with a thousand bytes of pixels."""
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b""))


NPY = QUANTIZE.replace("{f}/data", "{f}/d.npy")
NPZ = QUANTIZE.replace("{f}/data", "{f}/d.npz")
VARIED = b"".join(struct.pack("<f", (at * 2654435761 % 4294967296) / 4294967296) for at in range(32 * 64))
SAMPLES = struct.pack("<f", 0.5) * (32 * 64)
data_case("B91 empty folder", "6 E6003", "data", lambda folder: os.makedirs(os.path.join(folder, "data")))
data_case("B91 corrupt image", "6 E6001", "a.jpg", lambda folder: put(folder, b"\xff\xd8\xff\xe0 not a picture", "data/a.jpg"), IMAGES)
data_case("B91 missing data", "4 E4001", "data", lambda folder: None)
data_case("B91 huge image", "5 E5001", "a.png", lambda folder: put(folder, png(100000, 100000), "data/a.png"), IMAGES)
data_case("B91 wrong shape", "6 E6002", "x", lambda folder: put(folder, npy("<f4", "(32, 1, 4, 4)", VARIED[:32 * 64]), "d.npy"), NPY)
data_case("B91 wrong name", "6 E6002", "x", npz([("image.npy", npy("<f4", "(32, 1, 8, 8)", VARIED))]), NPZ)
data_case("B92 NaN", "6 E6", "", lambda folder: put(folder, npy("<f4", "(32, 1, 8, 8)", struct.pack("<f", float("nan")) * (32 * 64)), "d.npy"), NPY)
data_case("B93 python objects", "6 E6001", "object", lambda folder: put(folder, npy("|O", "(32,)", b"\x80\x04]\x94."), "d.npy"), NPY)
data_case("B93 header lies", "6 E6001", "d.npy", lambda folder: put(folder, npy("<f4", "(32, 1, 8, 8)", b"\0" * 100), "d.npy"), NPY)
data_case("B93 header overflows", "6 E6", "d.npy", lambda folder: put(folder, npy("<f4", "(1152921504606846976, 16)", b"\0" * 100), "d.npy"), NPY)
data_case("B93 zip bomb", "6 E6", "", npz([("x.npy", npy("<f4", "(32, 1, 8, 8)", b"\0" * (64 << 20)))], zipfile.ZIP_DEFLATED), NPZ)
data_case("B93 entry outside", "6 E6", "", npz([("../x.npy", npy("<f4", "(32, 1, 8, 8)", SAMPLES))]), NPZ)


@case("B93 truncated archive", "6 E6001", "d.npz", command=NPZ)
def _(folder):
    put(folder, conv_model())
    npz([("x.npy", npy("<f4", "(32, 1, 8, 8)", SAMPLES))])(folder)
    path = os.path.join(folder, "d.npz")
    content = open(path, "rb").read()
    put(folder, content[:len(content) // 2], "d.npz")


@case("B93 wrong CRC", "6 E6001", "d.npz", command=NPZ)
def _(folder):
    put(folder, conv_model())
    npz([("x.npy", npy("<f4", "(32, 1, 8, 8)", SAMPLES))])(folder)
    path = os.path.join(folder, "d.npz")
    content = bytearray(open(path, "rb").read())
    content[1000] ^= 0xFF
    put(folder, bytes(content), "d.npz")


TABLE = "quantize {f}/m.onnx --calibration {f}/t.json -o {f}/out/o.onnx"
data_case("B94 no table", "2 E1005", "t.json", lambda folder: put(folder, b"{}", "t.json"), TABLE)
data_case("B94 table cut off", "2 E1005", "t.json", lambda folder: put(folder, b'{"schema": "mcompress/calibration", ', "t.json"), TABLE)

RECIPE = "run {f}/r.json -o {f}/out/o.onnx"


def recipe(identifier, part, text):
    data_case(identifier, "2 E1006" if "JSON" not in part and "twice" not in part and "nested" not in part else "2 E1", part, lambda folder: put(folder, text.encode(), "r.json"), RECIPE)


recipe("B95 unknown key", "did you mean 'steps'", '{"model": "m.onnx", "stps": [], "steps": [{"command": "optimize"}]}')
recipe("B95 unknown option", "did you mean 'effort'", '{"model": "m.onnx", "steps": [{"command": "quantize", "efort": "fast"}]}')
recipe("B95 key twice", "twice", '{"model": "m.onnx", "model": "n.onnx", "steps": [{"command": "optimize"}]}')
recipe("B95 wrong type", "steps", '{"model": "m.onnx", "steps": 3}')
recipe("B95 no JSON", "JSON", '{"model": "m.onnx", "steps": [}')
recipe("B95 nested", "nested", '{"steps": ' + "[" * 5000 + "]" * 5000 + "}")
recipe("B95 number overflows", "JSON", '{"steps": [{"command": "prune", "sparsity": 1e999}]}')
recipe("B95 sparsity 1.5", "sparsity", '{"model": "m.onnx", "steps": [{"command": "prune", "sparsity": 1.5}]}')
recipe("B95 sparsity a word", "sparsity", '{"model": "m.onnx", "steps": [{"command": "prune", "sparsity": "ninety"}]}')


@case("B96 labels", "6 E6005", "labels", command="validate {f}/m.onnx {f}/m.onnx --data {f}/d.npy --labels {f}/labels.txt")
def _(folder):
    put(folder, relu_model())
    put(folder, npy("<f4", "(32, 1, 4)", b"\0" * (32 * 16)), "d.npy")
    put(folder, b"a 1\nb 2\n", "labels.txt")


# --- limits ----------------------------------------------------------------------------------------------------------------------------------------------
MANY = [node("Relu", [f"v{at}" if at else "x"], [f"v{at + 1}"], f"n{at}") for at in range(2000)]
LIMITED = "optimize {f}/m.onnx -o {f}/out/o.onnx "
bad_file("B97 parse bomb of attributes", "5 E5001", "--max-memory", lambda: model(graph([node("Relu", ["x"], ["y"], "n", [b""] * 2000000)], [value("x")], [value("y")])),
         command="inspect {f}/m.onnx --max-memory 200MB")
bad_file("B97 parse bomb of numbers", "5 E5001", "--max-memory", lambda: model(graph([node("Relu", ["x"], ["y"], "n", [attribute("a", 7, data(8, b"\1" * 30000000))])], [value("x")], [value("y")])),
         command="inspect {f}/m.onnx --max-memory 200MB")
bad_file("B98 more nodes than allowed", "5 E5001", "2000 nodes", lambda: model(graph(MANY, [value("x")], [value("v2000")])), command=LIMITED + "--max-nodes 1999")
bad_file("B98 as many nodes as allowed", "0", "", lambda: model(graph(MANY, [value("x")], [value("v2000")])), command=LIMITED + "--max-nodes 2000")
bad_file("B98 no memory at run time", "5 E5002", "--max-memory", lambda: weight_model(floats("w", [4], [1.0] * 4)), command=LIMITED + "--max-memory 1MB")


@case("B99 time is over", "5 E5003", "0.2 s", command="validate {f}/m.onnx {f}/m.onnx --data {f}/d.npy --latency-seconds 20 --time-limit 0.2")
def _(folder):
    put(folder, relu_model())
    put(folder, npy("<f4", "(32, 4)", b"\0" * (32 * 16)), "d.npy")
