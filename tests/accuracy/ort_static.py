"""A stand-in for ONNX Runtime's static quantizer, from what its documentation and sources say it does: u8 activations, s8 weights per channel, QDQ.

Its rules, and nothing of ours: which operators, where quantizers go, how ranges become scales, what shares them. Differences are measured by
ort_quantizer.py --check against figures its own quantizer gave.
"""
import collections

import numpy as np
from onnx_graph import Model, Node, attribute

MOVES = {'Reshape', 'Transpose', 'Squeeze', 'Unsqueeze', 'Resize', 'MaxPool', 'AveragePool', 'Slice', 'Split', 'Pad'}
PRODUCTS = {'Conv': 0, 'ConvTranspose': 1, 'Gemm': 1}  # the axis of the weight's output channels
NORMALIZATIONS = {'InstanceNormalization', 'LayerNormalization', 'BatchNormalization'}
PLAIN = {'Add', 'Mul', 'LeakyRelu', 'Sigmoid', 'GlobalAveragePool', 'Concat', 'Softmax', 'ArgMax', 'EmbedLayerNormalization'}
OPERATORS = MOVES | set(PRODUCTS) | NORMALIZATIONS | PLAIN | {'MatMul', 'Relu', 'Clip', 'Where', 'Gather', 'GatherElements'}


def asymmetric(low, high):
    """(scale, zero point) of u8 codes."""
    low, high = min(float(low), 0.0), max(float(high), 0.0)
    scale = np.float32((high - low) / 255)
    if scale < np.finfo(np.float32).tiny:
        return np.float32(1), np.uint8(0)
    return scale, np.uint8(np.clip(np.round(-low / float(scale)), 0, 255))


def symmetric(weight, axis=None):
    """Scales of s8 codes from -127 to 127: one a channel, or one."""
    others = tuple(k for k in range(weight.ndim) if k != axis) if axis is not None else None
    scale = (np.abs(weight).max(axis=others).astype(np.float64) / 127).astype(np.float32) if weight.size else np.float32(1)
    return np.where(scale < np.finfo(np.float32).tiny, np.float32(1), scale).astype(np.float32)


def along(scale, axis, rank):
    return scale.reshape([-1 if k == axis else 1 for k in range(rank)]) if scale.ndim else scale


def s8(weight, scale, axis=None):
    return np.clip(np.round(weight / along(scale, axis, weight.ndim)), -127, 127).astype(np.int8)


class Static:
    def __init__(self, model, ranges, method):
        self.model, self.wanted, self.biases = model, {}, []
        self.ranges = {name: (seen['percentile'] if method == 'percentile' else (seen['min'], seen['max'])) for name, seen in ranges.items()}
        self.parameters = {}  # value → (scale, zero point) of its quantizer
        self.readers = model.readers()
        # Below opset 13 its per-channel quantization is refused: the same numbers are stored as floats then.
        self.codes = model.opsets.get('', 1) >= 13
        model.raise_to_11()

    def run(self):
        self.adjust_ranges()
        for node in list(self.model.nodes):
            if node.op in OPERATORS and node.domain in ('', 'ai.onnx', 'com.microsoft'):
                self.visit(node)
        for name in [name for name, how in self.wanted.items() if not isinstance(how, tuple)]:
            self.quantize(name)
        self.quantize_followers()
        for bias, source, weight, beta in self.biases:
            self.quantize_bias(bias, source, weight, beta)
        return self.model

    # ---- what is quantized ----
    def adjust_ranges(self):
        for node in self.model.nodes:
            if node.op in ('Clip', 'Relu') and node.inputs[0] in self.ranges and node.outputs[0] in self.ranges and len(self.readers[node.inputs[0]]) == 1:
                self.ranges[node.inputs[0]] = self.ranges[node.outputs[0]]
            elif node.op == 'Softmax' and node.outputs[0] in self.ranges:
                self.ranges[node.outputs[0]] = (0.0, 1.0)

    def is_float(self, name):
        constant = self.model.constants.get(name)
        return constant.dtype == np.float32 if constant is not None else name in self.ranges

    def want(self, name, how='activation'):
        if name and self.is_float(name) and name not in self.wanted:
            self.wanted[name] = how

    def follow(self, name, provider):
        if name and self.is_float(name):
            self.wanted[name] = ('follows', provider)

    def want_weight(self, name, axis):
        weight = self.model.constants.get(name)
        if weight is None:
            self.want(name)
        elif weight.dtype == np.float32:
            self.wanted[name] = axis if axis is not None and axis < weight.ndim else 'weight'

    def want_bias(self, node, beta=1.0):
        if len(node.inputs) > 2 and node.inputs[2]:
            if node.inputs[2] in self.model.constants:
                self.biases.append((node.inputs[2], node.inputs[0], node.inputs[1], beta))
            else:
                self.want(node.inputs[2])

    def visit(self, node):
        first = node.inputs[0] if node.inputs else ''
        if node.op in PRODUCTS:
            self.want(first)
            self.want(node.outputs[0])
            # Channels of a transposed convolution in groups have no axis of their own; it fails there, a scale for all of them is the next best.
            transposed = 0 if node.op == 'Gemm' and node.value('transB', 0) else PRODUCTS[node.op]
            self.want_weight(node.inputs[1], None if node.op == 'ConvTranspose' and node.value('group', 1) > 1 else transposed)
            self.want_bias(node, node.value('beta', 1.0) if node.op == 'Gemm' else 1.0)
        elif node.op == 'MatMul':
            for name in node.inputs:
                self.want_weight(name, 1)
            self.want(node.outputs[0])
        elif node.op in NORMALIZATIONS:
            self.want(first)
            self.want_weight(node.inputs[1], 1)
            self.want_bias(node)
            for name in node.outputs:
                self.want(name)
        elif node.op in ('Relu', 'Clip'):
            self.visit_removable(node)
        elif node.op in ('Gather', 'GatherElements') and first in self.model.constants:
            if self.is_float(first):
                self.want(first)
                self.follow(node.outputs[0], first)
        elif node.op in MOVES or node.op in ('Gather', 'GatherElements'):
            if first in self.wanted:
                for name in node.outputs:
                    self.follow(name, first)
        elif node.op == 'Where':
            if node.inputs[1] in self.wanted and node.inputs[2] in self.wanted:
                self.want(node.outputs[0])
        else:
            for name in node.inputs + node.outputs:
                self.want(name)

    def visit_removable(self, node):
        source, output = node.inputs[0], node.outputs[0]
        if source not in self.wanted:
            return
        if output in self.ranges and len(self.readers[source]) == 1 and source not in self.model.outputs + self.model.inputs and source not in self.model.constants:
            self.wanted.pop(source)
            self.model.nodes.remove(node)
            for producer in self.model.nodes:
                producer.outputs = [output if name == source else name for name in producer.outputs]
        else:
            self.want(source)
        self.want(output)

    # ---- quantizers ----
    def constant(self, name, array):
        self.model.constants[name] = np.asarray(array)
        return name

    def replace(self, name, other):
        for node in self.model.nodes:
            node.inputs = [other if item == name else item for item in node.inputs]

    def quantize(self, name):
        how = self.wanted.pop(name)
        if name not in self.model.constants:
            self.add_pair(name, *asymmetric(*self.ranges[name]))
            return
        weight, axis = self.model.constants[name], how if isinstance(how, int) else None
        if how == 'activation':
            scale, zero = asymmetric(weight.min(), weight.max()) if weight.size else (np.float32(1), np.uint8(0))
            codes = np.clip(np.round(weight / scale) + zero, 0, 255).astype(np.uint8)
            self.parameters[name] = scale, zero
        else:
            scale = self.scale_for_bias(name, symmetric(weight, axis))
            zero, codes = np.zeros(scale.shape, np.int8), s8(weight, scale, axis)
            self.parameters[name] = scale, zero
        self.store(name, codes, scale, zero, axis)

    def scale_for_bias(self, name, scale):
        """Where the bias would not fit into 32 bits the weight's scale grows."""
        for bias, source, weight, _ in self.biases:
            if weight == name and source in self.parameters:
                magnitudes = np.abs(self.model.constants[bias]).astype(np.float64)
                least = 1.0001 * 2 * (magnitudes if magnitudes.shape == scale.shape else magnitudes.max()) / (2**32 - 2)
                scale = np.maximum(scale, least / float(self.parameters[source][0]))
        return scale.astype(np.float32)

    def store(self, name, codes, scale, zero, axis):
        read = f'{name}_DequantizeLinear_Output'
        self.replace(name, read)
        if self.codes:
            inputs = [self.constant(f'{name}_quantized', codes), self.constant(f'{name}_scale', scale), self.constant(f'{name}_zero_point', zero)]
            self.model.nodes.append(Node('DequantizeLinear', inputs, [read], attributes={'axis': attribute('axis', axis)} if axis is not None else {}))
        else:
            self.constant(read, ((codes.astype(np.float64) - along(zero.astype(np.float64), axis, codes.ndim)) * along(scale, axis, codes.ndim)).astype(np.float32))

    def add_pair(self, name, scale, zero):
        self.parameters[name] = scale, zero
        source, read = name, f'{name}_DequantizeLinear_Output'
        if name in self.model.outputs:
            source, read = f'{name}_QuantizeLinear_Input', name
            for node in self.model.nodes:
                node.outputs = [source if item == name else item for item in node.outputs]
        else:
            self.replace(name, read)
        parameters = [self.constant(f'{name}_scale', scale), self.constant(f'{name}_zero_point', zero)]
        self.model.nodes.append(Node('QuantizeLinear', [source, *parameters], [f'{name}_QuantizeLinear_Output']))
        self.model.nodes.append(Node('DequantizeLinear', [f'{name}_QuantizeLinear_Output', *parameters], [read]))

    def quantize_followers(self):
        waiting = collections.deque(self.wanted.items())
        stuck = 0
        while waiting and stuck <= len(waiting):
            name, (_, provider) = waiting.popleft()
            if provider in self.parameters:
                self.add_pair(name, *self.parameters[provider])
                stuck = 0
            else:
                waiting.append((name, ('follows', provider)))
                stuck += 1
        if waiting:
            raise ValueError(f'nothing gives {waiting[0][0]} its scale')

    def quantize_bias(self, bias, source, weight, beta):
        if bias in self.parameters or self.model.constants[bias].dtype != np.float32 or source not in self.parameters or weight not in self.parameters:
            return
        values = self.model.constants[bias]
        scale = np.asarray(self.parameters[source][0] * self.parameters[weight][0] * np.float32(beta), np.float32)
        codes = np.clip(np.round(values.astype(np.float64) / scale), -2**31, 2**31 - 1).astype(np.int32)
        self.parameters[bias] = scale, np.int32(0)
        self.store(bias, codes, scale, np.zeros(scale.shape, np.int32), 0 if scale.ndim else None)


def quantize_static(path, ranges, method):
    """The float model (after `observe.js basic`) with ONNX Runtime's quantizers."""
    return Static(Model.read(path), ranges, method).run()
