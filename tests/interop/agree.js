#!/usr/bin/env node
// ONNX Runtime's word on what test_interop exported: every model loads, and gives what our engine gives.
//
//   agree.js FOLDER          FOLDER/subjects.jsonl names models, inputs and our outputs; exit code 1 when one does not load or agree
//   agree.js FOLDER --each   the same of a part of the subjects: prints the largest error of each
//   agree.js --probe         exit code 0 when ONNX Runtime is there
//
// A model that ONNX Runtime does not load counts only when it loads the original. Disagreements that are known stand in disagreements.txt.
'use strict';
const fs = require('fs'), path = require('path');
const {ort, VERSION, feed, numbers} = require('./tensors.js');

// Of ONNX's backend test runner. Quantized results differ by whole steps where a value falls on a rounding edge.
// Sums that cancel leave a remainder in the size of their terms.
const RELATIVE = 1e-3, ABSOLUTE = 1e-5, OF_LARGEST = 1e-6, QUANTIZED = 0.05;
const QUANTIZED_KINDS = new Set(['quantized', 'qoperator', 'dynamic']);

function knownDisagreements() {
  const known = new Map();
  for (const line of fs.readFileSync(path.join(__dirname, 'disagreements.txt'), 'utf8').split('\n'))
    if (line && !line.startsWith('#')) known.set(line.split(/\s+/)[0], line.replace(/^\S+\s+/, ''));
  return known;
}

const create = (model, extra) => ort.InferenceSession.create(model, {intraOpNumThreads: 2, interOpNumThreads: 1, graphOptimizationLevel: 'all', logSeverityLevel: 4,
  executionProviders: ['cpu'], extra});

// Exact products on processors without VNNI. That mode of ONNX Runtime 1.30 stumbles over some constants that several nodes share (AddInitializer);
// the file itself is sound when it loads without.
async function open(model) {
  try {
    return await create(model, {session: {x64quantprecision: '1'}});
  } catch (error) {
    if (!/AddInitializer/.test(error.message)) throw error;
    return create(model, {});
  }
}

// The largest error, relative to the largest number (at least to 1e-2: the outputs of a sigmoid may all be close to 0).
function relative(ours, theirs) {
  const a = numbers(feed(ours)), b = numbers(theirs);
  let largest = 1e-2, worst = 0;
  for (let i = 0; i < b.length; ++i) largest = Math.max(largest, Math.abs(b[i])), worst = Math.max(worst, a[i] === b[i] ? 0 : Math.abs(a[i] - b[i]));
  return worst / largest;
}

function difference(kind, ours, theirs, bound) {
  if (ours.dims.join() !== theirs.dims.join()) return `shape [${ours.dims}], ONNX Runtime [${theirs.dims}]`;
  if (ours.type === 'string') return ours.data.join('\0') === Array.from(theirs.data).join('\0') ? '' : 'other strings';
  if (bound !== undefined) return relative(ours, theirs) <= bound ? '' : `off by ${relative(ours, theirs).toPrecision(3)}, allowed are ${bound}`;
  const a = numbers(feed(ours)), b = numbers(theirs);
  const largest = b.reduce((most, value) => Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most, 0);
  for (let i = 0; i < b.length; ++i) {
    const allowed = QUANTIZED_KINDS.has(kind) ? QUANTIZED * largest + ABSOLUTE : ABSOLUTE + RELATIVE * Math.abs(b[i]) + OF_LARGEST * largest;
    if (a[i] === b[i] || (Number.isNaN(a[i]) && Number.isNaN(b[i])) || Math.abs(a[i] - b[i]) <= allowed) continue;
    return `element ${i} is ${a[i]}, ONNX Runtime ${b[i]}`;
  }
  return '';
}

// {state, reason}: agrees, differs, refused (it loads the original) or foreign (nor does it load the original).
async function judge(item) {
  const reason = error => String(error.message).replace(/\s+/g, ' ').slice(0, 200);
  let session;
  try {
    session = await open(item.model);
  } catch (error) {
    try {
      await (await open(item.original)).release();
      return {state: 'refused', reason: reason(error)};
    } catch { return {state: 'foreign', reason: reason(error)}; }
  }
  const names = new Set(session.inputNames), feeds = Object.fromEntries(item.inputs.filter(x => names.has(x.name)).map(x => [x.name, feed(x)]));
  let outputs;
  try {
    outputs = await session.run(feeds);
  } catch (error) {
    try {
      await (await open(item.original)).run(feeds);
      return {state: 'refused', reason: reason(error)};
    } catch { return {state: 'foreign', reason: reason(error)}; }
  } finally {
    await session.release();
  }
  let worst = 0;
  for (const ours of item.outputs) {
    const problem = difference(item.kind, ours, outputs[ours.name], item.of_largest);
    if (process.argv[3] === '--each' && ours.dims.join() === outputs[ours.name].dims.join())
      worst = Math.max(worst, relative(ours, outputs[ours.name]));
    if (problem) return {state: 'differs', reason: `${ours.name}: ${problem}`};
  }
  return {state: 'agrees', reason: `largest relative error ${worst.toPrecision(3)}`};
}

async function main(folder, each) {
  const items = fs.readFileSync(path.join(folder, 'subjects.jsonl'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
  const known = knownDisagreements(), stale = new Set(known.keys()), counts = {};
  for (const item of items) {
    const verdict = await judge(item);
    if (verdict.state === 'differs' && known.has(item.name)) verdict.state = 'known', stale.delete(item.name);
    const count = counts[item.kind] ??= {agrees: 0, known: 0, foreign: 0, refused: 0, differs: 0};
    ++count[verdict.state];
    if (each && verdict.state !== 'refused' && verdict.state !== 'differs') console.log(`  ${item.kind} ${item.name}: ${verdict.state}: ${verdict.reason}`);
    if (verdict.state === 'refused' || verdict.state === 'differs') console.log(`  ${item.kind} ${item.name}: ${verdict.state}: ${verdict.reason}`), process.exitCode = 1;
  }
  if (each) return;
  for (const name of stale) console.log(`  ${name} agrees: take it out of disagreements.txt`), process.exitCode = 1;
  for (const [kind, c] of Object.entries(counts))
    console.log(`  ${kind.padEnd(10)} ${c.agrees} agree, ${c.differs} differ, ${c.refused} are refused, ${c.known} known disagreements, ` +
      `${c.foreign} that ONNX Runtime ${VERSION} cannot run`);
  if (!items.length) console.log('  nothing was exported'), process.exitCode = 1;
}
if (process.argv[2] !== '--probe') main(process.argv[2], process.argv[3] === '--each').catch(error => { console.error('agree.js: ' + error.message); process.exit(1); });
