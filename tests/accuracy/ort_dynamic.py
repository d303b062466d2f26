"""A stand-in for ONNX Runtime's dynamic quantizer, from what its documentation and sources say it does: u8 activations whose ranges are found while the
model runs, s8 weights, MatMulInteger, ConvInteger, DynamicQuantizeLSTM and Gather from codes.

By default it quantizes MatMul, Gemm (as MatMul and Add), Conv, LSTM, Gather and Transpose of codes; GRU and RNN stay in float, and so does everything in the
bodies of If and Loop.
"""
import numpy as np
from onnx_graph import FLOAT, Model, Node, attribute
from ort_static import asymmetric, s8, symmetric


class Dynamic:
    def __init__(self, model, granularity):
        self.model, self.per_channel, self.nodes = model, granularity == 'channel', []
        self.weights, self.activations = {}, {}  # name → (codes, scale, zero point), names of constants and values
        self.coded = {}                          # values that exist as codes, and as floats from where somebody reads those
        self.floats = set()

    def run(self):
        self.model.raise_to_11()
        for node in [part for node in self.model.nodes for part in self.as_matmul(node)]:
            visit = {'MatMul': self.matmul, 'Conv': self.conv, 'LSTM': self.lstm, 'Gather': self.gather, 'Transpose': self.transpose}.get(node.op)
            if visit is None or not visit(node):
                self.keep(node)
        for name in self.model.outputs:
            self.as_float(name)
        self.model.nodes = self.nodes
        return self.model

    def keep(self, node):
        for name in node.reads():
            self.as_float(name)
        self.nodes.append(node)

    def as_float(self, name):
        if name in self.coded and name not in self.floats:
            self.floats.add(name)
            self.nodes.append(Node('DequantizeLinear', list(self.coded[name]), [name]))

    def as_matmul(self, node):
        plain = node.op == 'Gemm' and node.value('alpha', 1.0) == 1 and node.value('beta', 1.0) == 1 and not node.value('transA', 0)
        if not plain or node.inputs[1] not in self.model.constants:
            return [node]
        weight = node.inputs[1]
        if node.value('transB', 0):
            weight = self.constant(f'{weight}_Transposed', np.ascontiguousarray(self.model.constants[weight].T))
        if len(node.inputs) < 3 or not node.inputs[2]:
            return [Node('MatMul', [node.inputs[0], weight], node.outputs)]
        product = f'{node.outputs[0]}_MatMul'
        return [Node('MatMul', [node.inputs[0], weight], [product]), Node('Add', [product, node.inputs[2]], node.outputs)]

    # ---- codes ----
    def constant(self, name, array):
        self.model.constants[name] = np.asarray(array)
        return name

    def is_weight(self, name):
        return name in self.model.constants and self.model.constants[name].dtype == np.float32

    def stored(self, name, codes, scale, zero):
        return tuple(self.constant(f'{name}_{suffix}', array) for suffix, array in (('quantized', codes), ('scale', scale), ('zero_point', zero)))

    def weight(self, name, axis=None):
        if name not in self.weights:
            array = self.model.constants[name]
            scale = symmetric(array, axis)
            self.weights[name] = self.stored(name, s8(array, scale, axis), scale, np.zeros(scale.shape, np.int8))
        return self.weights[name]

    def activation(self, name):
        if name in self.coded:
            return self.coded[name]
        if name not in self.activations:
            self.activations[name] = tuple(f'{name}_{suffix}' for suffix in ('quantized', 'scale', 'zero_point'))
            self.nodes.append(Node('DynamicQuantizeLinear', [name], list(self.activations[name])))
        return self.activations[name]

    def product(self, op, node, axis, output, attributes):
        codes, scale, zero = self.activation(node.inputs[0])
        weight_codes, weight_scale, weight_zero = self.weight(node.inputs[1], axis)
        whole, scales = f'{output}_output_quantized', f'{output}_scales_mul'
        self.nodes += [Node(op, [codes, weight_codes, zero, weight_zero], [whole], attributes=attributes),
                       Node('Cast', [whole], [f'{whole}_cast'], attributes={'to': attribute('to', FLOAT)}),
                       Node('Mul', [scale, weight_scale], [scales]), Node('Mul', [f'{whole}_cast', scales], [output])]

    # ---- operators; False: it stays ----
    def matmul(self, node):
        if not self.is_weight(node.inputs[1]):
            return False
        rank = self.model.constants[node.inputs[1]].ndim
        self.product('MatMulInteger', node, rank - 1 if self.per_channel else None, node.outputs[0], {})
        return True

    def conv(self, node):
        if not self.is_weight(node.inputs[1]):
            return False
        output, biased = node.outputs[0], len(node.inputs) > 2
        self.product('ConvInteger', node, None, f'{output}_scaled' if biased else output, node.attributes)
        if biased:
            rank = self.model.constants[node.inputs[1]].ndim
            shape = self.constant(f'{output}_bias_shape', np.array([1, -1] + [1] * (rank - 2), np.int64))
            self.nodes += [Node('Reshape', [node.inputs[2], shape], [f'{output}_bias']), Node('Add', [f'{output}_scaled', f'{output}_bias'], [output])]
        return True

    def lstm(self, node):
        if not all(self.is_weight(name) and self.model.constants[name].ndim == 3 for name in node.inputs[1:3]):
            return False
        parts = [self.recurrent_weight(name) for name in node.inputs[1:3]]
        inputs = [node.inputs[0]] + [codes for codes, _, _ in parts] + [node.inputs[k] if k < len(node.inputs) else '' for k in range(3, 8)]
        self.as_float(node.inputs[0])
        self.nodes.append(Node('DynamicQuantizeLSTM', inputs + [name for _, scale, zero in parts for name in (scale, zero)], node.outputs, 'com.microsoft',
                               attributes=node.attributes))
        self.model.opsets['com.microsoft'] = 1
        return True

    def recurrent_weight(self, name):
        """[directions, inputs, gates]: a scale a direction, or a gate's row of each."""
        if name not in self.weights:
            array = self.model.constants[name]
            directions, gates, inputs = array.shape
            flat = array.reshape(directions * gates, inputs) if self.per_channel else array
            scale = symmetric(flat, 0)
            shape = (directions, gates) if self.per_channel else (directions,)
            codes = s8(flat, scale, 0).reshape(array.shape).transpose(0, 2, 1)
            self.weights[name] = self.stored(name, np.ascontiguousarray(codes), scale.reshape(shape), np.zeros(shape, np.int8))
        return self.weights[name]

    def gather(self, node):
        if not self.is_weight(node.inputs[0]):
            return False
        name, output = node.inputs[0], node.outputs[0]
        if f'{name}:rows' not in self.weights:
            table = self.model.constants[name]
            scale, zero = asymmetric(table.min(), table.max())
            self.weights[f'{name}:rows'] = self.stored(f'{name}:rows', np.clip(np.round(table / scale) + zero, 0, 255).astype(np.uint8), scale, zero)
        codes, scale, zero = self.weights[f'{name}:rows']
        self.nodes.append(Node('Gather', [codes, node.inputs[1]], [f'{output}_quantized'], attributes=node.attributes))
        self.coded[output] = f'{output}_quantized', scale, zero
        return True

    def transpose(self, node):
        if node.inputs[0] not in self.coded:
            return False
        codes, scale, zero = self.coded[node.inputs[0]]
        self.nodes.append(Node('Transpose', [codes], [f'{node.outputs[0]}_quantized'], attributes=node.attributes))
        self.coded[node.outputs[0]] = f'{node.outputs[0]}_quantized', scale, zero
        return True


def quantize_dynamic(path, granularity):
    """The float model (after `observe.js basic`) with ONNX Runtime's operators on codes; `granularity` of MatMul's and LSTM's weights: tensor or channel."""
    return Dynamic(Model.read(path), granularity).run()
