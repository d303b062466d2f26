// NumPy's .npy files as typed arrays, and back.
'use strict';
const fs = require('fs');

// NumPy's name of an element type: that of onnxruntime-node and the array that holds its elements
const TYPES = {'<f4': ['float32', Float32Array], '<i4': ['int32', Int32Array], '<i8': ['int64', BigInt64Array], '|u1': ['uint8', Uint8Array],
  '|i1': ['int8', Int8Array], '|b1': ['bool', Uint8Array], '<f8': ['float64', Float64Array], '<f2': ['float16', Uint16Array]};

// {type, shape, data} of a file in C order.
function readNpy(file) {
  const bytes = fs.readFileSync(file), wide = bytes[6] > 1;
  const start = (wide ? 12 : 10) + (wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8));
  const header = bytes.toString('latin1', wide ? 12 : 10, start);
  const [type, Typed] = TYPES[/'descr':\s*'([^']+)'/.exec(header)[1]];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)[1].split(',').map(x => x.trim()).filter(Boolean).map(Number);
  return {type, shape, data: new Typed(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length))};
}

// `type` as onnxruntime-node calls it.
function writeNpy(file, data, shape, type = 'float32') {
  const descr = Object.keys(TYPES).find(key => TYPES[key][0] === type);
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  header += ' '.repeat(63 - (10 + header.length) % 64) + '\n';
  const lead = Buffer.alloc(10);
  lead.write('\x93NUMPY\x01\x00', 'latin1');
  lead.writeUInt16LE(header.length, 8);
  fs.writeFileSync(file, Buffer.concat([lead, Buffer.from(header, 'latin1'), Buffer.from(data.buffer, data.byteOffset, data.byteLength)]));
}

module.exports = {readNpy, writeNpy};
