#!/usr/bin/env bash
# Fuzzes each target for a while, from its corpus and the inputs of past findings, and prints a table: executions, a second, edges covered at the beginning and
# at the end, inputs that added some, findings.
#
#   tests/libfuzzer/run.sh [SECONDS] [TARGET …]      SECONDS each, 60 if not given; all targets if none is named
#
# MCOMPRESS_FUZZ_RUNS=N gives each target N executions, however long they take, and not SECONDS. MCOMPRESS_FUZZ_JOBS=N fuzzes N targets at a time (1 if not given). Builds the preset fuzz first (clang with libFuzzer is needed: apt-get install clang
# libclang-rt-14-dev libomp-dev). What is new in coverage goes to build/fuzz/corpus, findings go to build/fuzz/findings; exit code 1 when there are any.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=60
if [[ ${1:-} =~ ^[0-9]+$ ]]; then seconds=$1; shift; fi
limit=(-max_total_time="$seconds")
[ -z "${MCOMPRESS_FUZZ_RUNS:-}" ] || limit=(-runs="$MCOMPRESS_FUZZ_RUNS")
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(loader external_data npy npz image recipe calibration passes pipeline)
findings=build/fuzz/findings

fuzz() {
    local target=$1 corpus=build/fuzz/corpus/$1
    local folders=("$corpus" "tests/libfuzzer/corpus/$target")
    [ ! -d "tests/libfuzzer/regressions/$target" ] || folders+=("tests/libfuzzer/regressions/$target")
    mkdir -p "$corpus"
    # Twice what the longest seed has: what is longer only repeats.
    local most=4096
    case $target in npy) most=512 ;; npz | recipe) most=1024 ;; image | calibration) most=2048 ;; esac
    # No input may take long, much memory at once, or memory that stays. entropic costs more than it gains where an input covers thousands of edges.
    local options=("${limit[@]}" -max_len=$most -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=512 -entropic=0 -print_funcs=0
                   -print_final_stats=1 -artifact_prefix="$findings/${target}_")
    local status=0
    # Freed memory is kept from use for as long as an input takes, not for thousands of them: what is used again is in the processor's cache.
    ASAN_OPTIONS=quarantine_size_mb=16:malloc_context_size=0 UBSAN_OPTIONS=print_stacktrace=1 "build/fuzz/bin/fuzz_$target" "${options[@]}" "${folders[@]}" >"$findings/$target.log" 2>&1 || status=$?
    echo "$status" >"$findings/$target.status"
}

# The last number behind a word of a log, or a dash.
number() { local found; found=$(grep -ao "$1 *[0-9]*" "$2" | tail -1 | grep -o '[0-9]*$') || true; echo "${found:--}"; }

row() {
    local log=$findings/$1.log status
    status=$(cat "$findings/$1.status")
    local first
    first=$(grep -a 'INITED' "$log" | grep -o 'cov: [0-9]*' | grep -o '[0-9]*') || true
    printf '| %s | %s | %s | %s | %s | %s | %s |\n' "$1" "$(number 'number_of_executed_units:' "$log")" "$(number 'average_exec_per_sec:' "$log")" "${first:--}" \
        "$(number ' cov:' "$log")" "$(number 'new_units_added:' "$log")" "$([ "$status" -eq 0 ] && echo none || echo "**one**, $log")"
}

[ -f build/fuzz/build.ninja ] || cmake --preset fuzz
cmake --build build/fuzz --parallel "$(nproc)" --target "${targets[@]/#/fuzz_}"
mkdir -p "$findings"

running=0
for target in "${targets[@]}"; do
    fuzz "$target" &
    running=$((running + 1))
    if [ "$running" -ge "${MCOMPRESS_FUZZ_JOBS:-1}" ]; then wait -n; running=$((running - 1)); fi
done
wait

printf '| target | executions | a second | edges at first | at last | inputs added | findings |\n|---|---|---|---|---|---|---|\n'
failed=0
for target in "${targets[@]}"; do
    row "$target"
    [ "$(cat "$findings/$target.status")" -eq 0 ] || failed=1
done
exit "$failed"
