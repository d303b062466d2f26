#!/usr/bin/env node
// onnxruntime_serve.js MODEL THREADS INPUT.npy…: reads a number of runs a line and answers with their milliseconds, as bench_engine --serve does.
// Needs npm's onnxruntime-node (ORT_NODE: its folder when it cannot be resolved from here). Inputs in the order of the model's.
'use strict';
const {readNpy} = require('../interop/npy.js');
const ort = require(process.env.ORT_NODE || require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));

const tensor = npy => new ort.Tensor(npy.type, npy.data, npy.shape);

async function serve([model, threads, ...files]) {
  const session = await ort.InferenceSession.create(model, {intraOpNumThreads: +threads, interOpNumThreads: 1, graphOptimizationLevel: 'all',
    logSeverityLevel: 3, executionProviders: ['cpu']});
  const feeds = Object.fromEntries(files.map((file, i) => [session.inputNames[i], tensor(readNpy(file))]));
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
