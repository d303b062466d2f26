#!/usr/bin/env bash
# Fuzzes each target for a while, from its corpus and the inputs of past findings.
#
#   tests/libfuzzer/run.sh [SECONDS] [TARGET …]      SECONDS each, 60 if not given; all targets if none is named
#
# Builds the preset fuzz first (clang with libFuzzer is needed: apt-get install clang libclang-rt-14-dev libomp-dev). What is new in coverage goes to
# build/fuzz/corpus, findings go to build/fuzz/findings; exit code 1 when there are any.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(loader external_data npy npz image recipe calibration passes pipeline)

[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
cmake --build build/fuzz --parallel "$(nproc)" --target "${targets[@]/#/fuzz_}"

mkdir -p build/fuzz/findings
failed=()
for target in "${targets[@]}"; do
    corpus=build/fuzz/corpus/$target
    folders=("$corpus" "tests/libfuzzer/corpus/$target")
    [ ! -d "tests/libfuzzer/regressions/$target" ] || folders+=("tests/libfuzzer/regressions/$target")
    mkdir -p "$corpus"
    # No input may take long, much memory at once, or memory that stays. entropic costs more than it gains where an input covers thousands of edges.
    options=(-max_total_time="$seconds" -max_len=8192 -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=512 -entropic=0 -print_funcs=0 -print_final_stats=1
             -artifact_prefix="build/fuzz/findings/${target}_")
    log=build/fuzz/findings/$target.log
    status=0
    UBSAN_OPTIONS=print_stacktrace=1 "build/fuzz/bin/fuzz_$target" "${options[@]}" "${folders[@]}" >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    echo "$target: ${runs:-0} executions, $([ "$status" -eq 0 ] && echo "no finding" || echo "FINDING, see $log")"
    [ "$status" -eq 0 ] || failed+=("$target")
done
[ ${#failed[@]} -eq 0 ]
