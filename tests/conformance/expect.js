#!/usr/bin/env node
// Fills in the expected values of text cases from ONNX Runtime. Needs npm's onnxruntime-node (ORT_NODE: its folder when it cannot be resolved
// from here) and a built test_conformance.
//
//   expect.js TEST_CONFORMANCE [--all] [PART ...]    cases whose path holds one of the parts (all without); values that are there already are
//                                                    left alone without --all
//   expect.js TEST_CONFORMANCE --check [PART ...]    compares instead: what ONNX Runtime does not agree with
//
// Values of another judge ("--- expected by formula: …") are never overwritten. Cases that ONNX Runtime cannot run are listed.
'use strict';
const fs = require('fs'), os = require('os'), path = require('path'), {execFileSync} = require('child_process');
const {ort, VERSION, feed, numbers} = require('../interop/tensors.js');
const WIDTH = 150;

// The shortest text that reads back as the same float or double.
function numberText(value, isFloat) {
  if (typeof value === 'bigint') return String(value);
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0';
  if (isFloat)
    for (let digits = 1; digits <= 9; ++digits)
      if (Math.fround(Number(value.toPrecision(digits))) === Math.fround(value)) return String(Number(value.toPrecision(digits)));
  return String(value);
}

function elementTexts(output, tensor) {
  if (output.type === 'string') return Array.from(tensor.data, text => JSON.stringify(text));
  const isWide = /int64/.test(output.type);
  return (isWide ? Array.from(tensor.data) : numbers(tensor)).map(value => numberText(value, /^(b?float16|float)$/.test(output.type)));
}

// "y: float[2,3] = …", continued on indented lines.
function lineOf(output, tensor) {
  const lines = [`${output.name}: ${output.type}[${tensor.dims.join(',')}] =`];
  elementTexts(output, tensor).forEach((text, at, all) => {
    const piece = ' ' + text + (at + 1 < all.length ? ',' : '');
    if (lines.at(-1).length + piece.length > WIDTH) lines.push('   ');
    lines[lines.length - 1] += piece;
  });
  return lines.join('\n');
}

async function judge(item) {
  const session = await ort.InferenceSession.create(item.model, {intraOpNumThreads: 1, interOpNumThreads: 1, graphOptimizationLevel: 'disabled',
    logSeverityLevel: 4, executionProviders: ['cpu'], extra: {session: {x64quantprecision: '1'}}});
  const outputs = await session.run(Object.fromEntries(item.inputs.map(input => [input.name, feed(input)])));
  return item.outputs.map(output => lineOf(output, outputs[output.read])).join('\n') + '\n';
}

function sections(text) {
  const at = text.search(/^--- expected/m);
  if (at < 0) return {head: text.replace(/\n*$/, '\n'), judge: '', values: ''};  // a new case
  const end = text.indexOf('\n', at);
  return {head: text.slice(0, at), judge: text.slice(at, end).replace(/^--- expected( by )?/, ''), values: text.slice(end + 1)};
}

const numbersOf = values => values.replace(/^\S+: \S+ =/gm, ' ').split(/[\s,]+/).filter(Boolean);
function differs(found, stored) {
  const a = numbersOf(found), b = numbersOf(stored), number = text => Number(text.replace('inf', 'Infinity').replace('nan', 'NaN'));
  if (a.length !== b.length) return true;
  return a.some((text, i) => text !== b[i] && !(Math.abs(number(text) - number(b[i])) <= 1e-5 + 1e-3 * Math.abs(number(b[i]))));
}

async function main([binary, ...words]) {
  const isAll = words.includes('--all'), isCheck = words.includes('--check'), parts = words.filter(word => !word.startsWith('--'));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'mcompress-expect-'));
  execFileSync(binary, ['[.export]'], {env: {...process.env, MCOMPRESS_EXPORT_CASES: folder}, stdio: ['ignore', 2, 'inherit']});
  const items = fs.readFileSync(path.join(folder, 'cases.jsonl'), 'utf8').split('\n').filter(Boolean).map(line => JSON.parse(line));
  let filled = 0;
  for (const item of items.filter(item => !parts.length || parts.some(part => item.case.includes(part)))) {
    const text = fs.readFileSync(item.case, 'utf8'), found = sections(text);
    if ((isCheck && !found.judge) || (!isCheck && found.judge && !(isAll && found.judge.startsWith('ONNX Runtime')))) continue;
    try {
      const values = await judge(item);
      if (isCheck && differs(values, found.values)) console.log(`${item.case}: expected by ${found.judge}, ONNX Runtime has\n${values}`);
      if (!isCheck) fs.writeFileSync(item.case, `${found.head}--- expected by ONNX Runtime ${VERSION}\n${values}`), ++filled;
    } catch (error) {
      console.log(`${item.case}: ${String(error.message).replace(/\s+/g, ' ').slice(0, 250)}`);
      if (!isCheck) process.exitCode = 1;
    }
  }
  fs.rmSync(folder, {recursive: true});
  console.log(`${filled} cases filled in`);
}
main(process.argv.slice(2)).catch(error => { console.error('expect.js: ' + error.message); process.exit(1); });
