#!/usr/bin/env node
// ONNX Runtime as a judge of what mcompress emits. Needs npm's onnxruntime-node (ORT_NODE: its folder when it cannot be resolved from here).
//
//   onnxruntime.js load  MODEL...                            exit 1 when a model does not load
//   onnxruntime.js eval  MODEL ROWS.npy OUT.npy              first output of every row (first axis = samples), float32
//   onnxruntime.js samples MODEL FEEDS.json OUTDIR           as run, for arrays with an axis of samples in front of the input's own
//   onnxruntime.js bench MODEL ROWS.npy [SECONDS] [THREADS]  latency of the first row: {"median_ms": …, "min_ms": …}
//   onnxruntime.js inputs MODEL                              [{"name": …, "type": …, "shape": […]}]
//   onnxruntime.js run   MODEL FEEDS.json OUTDIR [LEVEL]     FEEDS is {"input": "file.npy", …}; writes OUTDIR/<index>.npy and prints the output
//                                                            names; LEVEL of graph optimization: disabled (default), basic, extended, all
//
// On processors without VNNI, ONNX Runtime's u8·s8 kernels add products in saturating 16-bit numbers and answer wrongly for full-range
// weights; session.x64quantprecision asks for its exact kernels. Evaluation uses them, the benchmark runs the defaults.
'use strict';
const fs = require('fs'), path = require('path');
const {readNpy, writeNpy} = require('./npy.js');
const ort = require(process.env.ORT_NODE || require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));

function open(model, exact, threads, level = 'all') {
  return ort.InferenceSession.create(model, {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: level, logSeverityLevel: 3,
    executionProviders: ['cpu'], extra: exact ? {session: {x64quantprecision: '1'}} : {}});
}

function sample(npy, index, shape = npy.shape.slice(1)) {
  const size = shape.reduce((a, b) => a * b, 1);
  return new ort.Tensor(npy.type, npy.data.slice(index * size, (index + 1) * size), shape);
}

const row = (session, npy, index) => ({[session.inputNames[0]]: sample(npy, index, [1, ...npy.shape.slice(1)])});

async function evaluate([model, rows, out]) {
  const session = await openExact(model), npy = readNpy(rows), parts = [];
  for (let i = 0; i < npy.shape[0]; ++i) parts.push(Float32Array.from((await session.run(row(session, npy, i)))[session.outputNames[0]].data, Number));
  const width = parts[0].length, all = new Float32Array(parts.length * width);
  parts.forEach((part, i) => all.set(part, i * width));
  writeNpy(out, all, [parts.length, width]);
}

async function bench([model, rows, seconds = '4', threads = '2']) {
  const session = await open(model, false, +threads), npy = readNpy(rows), feeds = row(session, npy, 0), times = [];
  for (let warm = 0; warm < 5; ++warm) await session.run(feeds);
  const end = Date.now() + 1e3 * +seconds;
  while (Date.now() < end || times.length < 10) {
    const begin = process.hrtime.bigint();
    await session.run(feeds);
    times.push(Number(process.hrtime.bigint() - begin) / 1e6);
  }
  times.sort((a, b) => a - b);
  console.log(JSON.stringify({runs: times.length, min_ms: times[0], median_ms: times[times.length >> 1]}));
}

async function inputs([model]) {
  console.log(JSON.stringify((await open(model, false, 1, 'disabled')).inputMetadata));
}

async function run([model, feedsFile, outdir, level]) {
  const session = await open(model, true, 2, level || 'disabled'), feeds = {};
  for (const [name, file] of Object.entries(JSON.parse(fs.readFileSync(feedsFile)))) {
    const npy = readNpy(file);
    feeds[name] = new ort.Tensor(npy.type, npy.data, npy.shape);
  }
  const outputs = await session.run(feeds);
  fs.mkdirSync(outdir, {recursive: true});
  session.outputNames.forEach((name, index) => {
    const tensor = outputs[name];
    writeNpy(path.join(outdir, `${index}.npy`), tensor.data, tensor.dims, tensor.type);
  });
  console.log(JSON.stringify(session.outputNames));
}

// Its conversion of s8 weights for the exact kernels fails on weights that two products share; without it the codes are computed with as floats.
function openExact(model) {
  return open(model, true, 2).catch(error => {
    if (!error.message.includes('Attempt to replace the existing tensor')) throw error;
    return open(model, true, 2, 'basic');
  });
}

async function samples([model, feedsFile, outdir]) {
  const session = await openExact(model), feeds = Object.entries(JSON.parse(fs.readFileSync(feedsFile))).map(([name, file]) => [name, readNpy(file)]);
  const count = feeds[0][1].shape[0], all = {};
  for (let i = 0; i < count; ++i) {
    const outputs = await session.run(Object.fromEntries(feeds.map(([name, npy]) => [name, sample(npy, i)])));
    for (const [name, tensor] of Object.entries(outputs)) {
      all[name] ||= {type: tensor.type, dims: tensor.dims, data: new tensor.data.constructor(count * tensor.data.length)};
      if (String(all[name].dims) !== String(tensor.dims)) throw new Error(`${name} is ${all[name].dims}, then ${tensor.dims}`);
      all[name].data.set(tensor.data, i * tensor.data.length);
    }
  }
  session.outputNames.forEach((name, index) => writeNpy(path.join(outdir, `${index}.npy`), all[name].data, [count, ...all[name].dims], all[name].type));
  console.log(JSON.stringify(session.outputNames));
}

async function load(models) {
  for (const model of models)
    try { await (await open(model, false, 1)).release(); } catch (error) { console.log(JSON.stringify({model, error: String(error.message).slice(0, 300)})); process.exitCode = 1; }
}

const commands = {load, eval: evaluate, samples, bench, inputs, run};
if (!commands[process.argv[2]]) { console.error('usage: see the head of this file'); process.exit(2); }
commands[process.argv[2]](process.argv.slice(3)).catch(error => { console.error('onnxruntime.js: ' + error.message); process.exit(1); });
