// Calibration tables, and the state of an interrupted sensitivity measurement: what was read is written as the same table, merges, and gives ranges that can be used.
#include <cmath>

#include "libfuzzer/targets/targets.h"
#include "libfuzzer/targets/text_mutator.h"
#include "pipeline/calibration_file.h"
#include "pipeline/sensitivity_file.h"
#include "quant/range_method.h"

namespace mcompress::fuzzing {

namespace {

constexpr std::string_view kWords[] = {"schema",
                                       "mcompress/calibration-table",
                                       "mcompress/sensitivity-state",
                                       "schema_version",
                                       "fingerprint",
                                       "samples",
                                       "values",
                                       "count",
                                       "zeros",
                                       "nan",
                                       "infinite",
                                       "min",
                                       "max",
                                       "sum_of_minima",
                                       "sum_of_maxima",
                                       "histogram",
                                       "exponent",
                                       "positive",
                                       "negative",
                                       "effects",
                                       "id",
                                       "outputs",
                                       "local",
                                       "x"};

void check_ranges(const TensorStatistics& statistics) {
    for (const RangeMethod& method : all_range_methods()) {
        must(format("range method {}", method.name), [&] {
            const ValueRange range = method.choose(statistics, method.parameter);
            require(range.min <= range.max, format("{} gives [{}, {}]", method.name, range.min, range.max));
            for (const Symmetry symmetry : {Symmetry::Asymmetric, Symmetry::Symmetric}) {
                const QuantParams params = choose_params(range, DType::UInt8, symmetry);
                require(params.scale > 0.0F && std::isfinite(params.scale), format("{} gives the scale {}", method.name, params.scale));
                require(params.zero_point >= 0 && params.zero_point <= 255,
                        format("{} gives the zero point {}", method.name, params.zero_point));
            }
            return 0;
        });
    }
}

void try_table(std::string_view text) {
    CalibrationTable table;
    if (!is_accepted([&] { table = calibration_table_from_json(text); })) return;
    must("a table that was read", [&] {
        const std::string written = calibration_table_to_json(table);
        CalibrationTable again = calibration_table_from_json(written);
        require(calibration_table_to_json(again) == written, "a table changes by being written and read");
        again.merge(table);
        require(again.values.size() == table.values.size(), "a table merged with itself has other values");
        return 0;
    });
    for (const auto& [name, statistics] : table.values) check_ranges(statistics);
}

void try_effects(std::string_view text) {
    const SensitivityKey key{"quantized", "data"};
    std::vector<SourceEffect> effects;
    if (!is_accepted([&] { effects = effects_from_json(text, key, "the input"); })) return;
    must("effects that were read", [&] {
        const std::string written = effects_to_json(key, effects);
        require(effects_to_json(key, effects_from_json(written, key, "the copy")) == written, "effects change by being written and read");
        return 0;
    });
}

void try_calibration(std::span<const std::byte> input) {
    const std::string_view text(reinterpret_cast<const char*>(input.data()), input.size());
    if (text.find("sensitivity") != std::string_view::npos) return try_effects(text);
    try_table(text);
}

std::size_t mutate_calibration(const Mutation& mutation) { return mutate_json(mutation, kWords); }

}  // namespace

const Target calibration_target{"calibration", try_calibration, mutate_calibration};

}  // namespace mcompress::fuzzing
