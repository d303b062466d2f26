// onnxruntime-node, and its tensors from and to what the test programs write (tests/fixtures/judge_json.h).
'use strict';
const fs = require('fs'), path = require('path');
const folder = process.env.ORT_NODE || path.dirname(require.resolve('onnxruntime-node/package.json', {paths: [process.cwd(), __dirname]}));
const ort = require(folder);
const VERSION = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'))).version;

// ONNX's name of a type: that of onnxruntime-node and the array that holds its elements
const TYPES = {float: ['float32', Float32Array], double: ['float64', Float64Array], float16: ['float16', globalThis.Float16Array || Uint16Array],
  uint8: ['uint8', Uint8Array], int8: ['int8', Int8Array], uint16: ['uint16', Uint16Array], int16: ['int16', Int16Array], int32: ['int32', Int32Array],
  int64: ['int64', BigInt64Array], uint32: ['uint32', Uint32Array], uint64: ['uint64', BigUint64Array], bool: ['bool', Uint8Array]};

function feed(input) {
  if (input.type === 'string') return new ort.Tensor('string', input.data, input.dims);
  const [type, Typed] = TYPES[input.type];
  return new ort.Tensor(type, new Typed(Uint8Array.from(Buffer.from(input.data, 'hex')).buffer), input.dims);
}

function halfToNumber(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + mantissa / 1024) : 2 ** -14 * mantissa / 1024);
}

// Elements as numbers; 64-bit integers are rounded.
function numbers(tensor) {
  const isHalf = tensor.type === 'float16' && tensor.data instanceof Uint16Array;
  return Array.from(tensor.data, value => isHalf ? halfToNumber(value) : Number(value));
}

module.exports = {ort, VERSION, feed, numbers};
