#!/usr/bin/env node
// What values a model's tensors take, by ONNX Runtime without graph optimizations (npm's onnxruntime-node; ORT_NODE: its folder).
//
//   observe.js basic  MODEL OUT.onnx                 the model as ONNX Runtime's basic optimizations leave it
//   observe.js ranges MODEL FEEDS.json NAMES.json    {"name": {"min", "max", "percentile": [low, high]}, …} of these outputs over all samples
//
// FEEDS.json: {"input": "file.npy", …}, an axis of samples in front of the input's own shape. The percentile 99.999 is that of magnitudes, in a
// histogram of 2048 bins from the least to the largest over all samples: as ONNX Runtime's own quantizer does.
'use strict';
const fs = require('fs'), path = require('path');
const {readNpy} = require(path.join(__dirname, '../interop/npy.js'));
const ort = require(process.env.ORT_NODE || require.resolve('onnxruntime-node', {paths: [process.cwd(), __dirname]}));
const BINS = 2048, KEPT = 99.999 / 100;

const open = (model, options) =>
  ort.InferenceSession.create(model, {intraOpNumThreads: 2, interOpNumThreads: 1, logSeverityLevel: 3, executionProviders: ['cpu'], ...options});

async function basic([model, out]) {
  await open(model, {graphOptimizationLevel: 'basic', optimizedModelFilePath: out});
}

async function eachSample(session, feeds, names, look) {
  const count = feeds[0][1].shape[0];
  for (let i = 0; i < count; ++i) {
    const fed = Object.fromEntries(feeds.map(([name, npy]) => {
      const shape = npy.shape.slice(1), size = shape.reduce((a, b) => a * b, 1);
      return [name, new ort.Tensor(npy.type, npy.data.slice(i * size, (i + 1) * size), shape)];
    }));
    const outputs = {...fed, ...await session.run(fed, session.outputNames.filter(name => names.includes(name)))};
    for (const name of names) if (outputs[name].type === 'float32') look(name, outputs[name].data);
  }
}

// Where the histogram of magnitudes reaches the share KEPT, on both sides of 0 and within what was seen.
function quantile({low, high, least, most, bins}) {
  const total = bins.reduce((a, b) => a + b, 0);
  let sum = 0, index = 0;
  while (index < BINS && (sum += bins[index] / total) < KEPT) ++index;
  const edge = least + (most - least) * index / BINS;
  return [Math.max(low, -edge), Math.min(high, edge)];
}

async function ranges([model, feedsFile, namesFile]) {
  const session = await open(model, {graphOptimizationLevel: 'disabled'}), names = JSON.parse(fs.readFileSync(namesFile)), seen = {};
  const feeds = Object.entries(JSON.parse(fs.readFileSync(feedsFile))).map(([name, file]) => [name, readNpy(file)]);
  await eachSample(session, feeds, names, (name, data) => {
    const entry = seen[name] ||= {low: Infinity, high: -Infinity, least: Infinity, most: 0, bins: new Float64Array(BINS)};
    for (let k = 0; k < data.length; ++k) {
      const value = data[k], magnitude = Math.abs(value);
      if (value < entry.low) entry.low = value;
      if (value > entry.high) entry.high = value;
      if (magnitude < entry.least) entry.least = magnitude;
      if (magnitude > entry.most) entry.most = magnitude;
    }
  });
  await eachSample(session, feeds, names, (name, data) => {
    const {least, most, bins} = seen[name], factor = most > least ? BINS / (most - least) : 0;
    for (let k = 0; k < data.length; ++k) ++bins[Math.min(BINS - 1, Math.floor((Math.abs(data[k]) - least) * factor))];
  });
  console.log(JSON.stringify(Object.fromEntries(Object.entries(seen).filter(([, entry]) => entry.low <= entry.high)
    .map(([name, entry]) => [name, {min: entry.low, max: entry.high, percentile: quantile(entry)}]))));
}

const commands = {basic, ranges};
if (!commands[process.argv[2]]) { console.error('usage: see the head of this file'); process.exit(2); }
commands[process.argv[2]](process.argv.slice(3)).catch(error => { console.error('observe.js: ' + error.message); process.exit(1); });
