#!/usr/bin/env node
// onnxruntime_serve.js MODEL THREADS INPUT.npy…: reads a number of runs a line and answers with their milliseconds, as bench_engine --serve does.
// Needs npm's onnxruntime-node (ORT_NODE: its folder when it cannot be resolved from here). Float32 and int64 inputs, in the order of the model's.
'use strict';
const fs = require('fs');
const ort = require(process.env.ORT_NODE || require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));

const TYPES = {'<f4': ['float32', Float32Array], '<i8': ['int64', BigInt64Array]};

function readNpy(file) {
  const bytes = fs.readFileSync(file), start = 10 + bytes.readUInt16LE(8), header = bytes.toString('latin1', 10, start);
  const [type, Typed] = TYPES[/'descr':\s*'([^']+)'/.exec(header)[1]];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)[1].split(',').map(x => x.trim()).filter(Boolean).map(Number);
  return new ort.Tensor(type, new Typed(bytes.buffer.slice(bytes.byteOffset + start, bytes.byteOffset + bytes.length)), shape);
}

async function serve([model, threads, ...files]) {
  const session = await ort.InferenceSession.create(model, {intraOpNumThreads: +threads, interOpNumThreads: 1, graphOptimizationLevel: 'all',
    logSeverityLevel: 3, executionProviders: ['cpu']});
  const feeds = Object.fromEntries(files.map((file, i) => [session.inputNames[i], readNpy(file)]));
  for await (const line of require('readline').createInterface({input: process.stdin})) {
    const times = [];
    for (let left = +line; left > 0; --left) {
      const begin = process.hrtime.bigint();
      await session.run(feeds);
      times.push(Number(process.hrtime.bigint() - begin) / 1e6);
    }
    console.log(JSON.stringify(times));
  }
}

serve(process.argv.slice(2)).catch(error => { console.error('onnxruntime_serve.js: ' + error.message); process.exit(1); });
