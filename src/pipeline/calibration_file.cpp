#include "pipeline/calibration_file.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "pipeline/json_integer.h"
#include "quant/range_method.h"
#include "support/error.h"
#include "support/file.h"

namespace mcompress {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kSchema = "mcompress/calibration-table";
constexpr int kVersion = 1;

Json counts_json(std::span<const std::uint64_t> counts) {
    std::size_t used = counts.size();
    while (used > 0 && counts[used - 1] == 0) --used;
    return Json(std::vector<std::uint64_t>(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(used)));
}

std::vector<std::uint64_t> counts_from(const Json& json) {
    auto counts = integers_of<std::uint64_t>(json);
    if (counts.size() > AnchoredHistogram::kBins)
        fail(codes::kTableInvalid, "a histogram has {} bins, at most {} are known", counts.size(), AnchoredHistogram::kBins);
    if (!counts.empty()) counts.resize(AnchoredHistogram::kBins);
    return counts;
}

Json statistics_json(const TensorStatistics& statistics) {
    const auto words = [](const ExactSum& sum) { return std::vector<std::uint64_t>(sum.words().begin(), sum.words().end()); };
    return {{"count", statistics.count},
            {"zeros", statistics.zeros},
            {"nan", statistics.nan_count},
            {"infinite", statistics.infinite_count},
            {"samples", statistics.samples},
            {"min", statistics.min},
            {"max", statistics.max},
            {"sum_of_minima", words(statistics.sum_of_minima)},
            {"sum_of_maxima", words(statistics.sum_of_maxima)},
            {"histogram",
             {{"exponent", statistics.histogram.exponent()},
              {"positive", counts_json(statistics.histogram.positive())},
              {"negative", counts_json(statistics.histogram.negative())}}}};
}

ExactSum sum_from(const Json& json) {
    const auto words = integers_of<std::uint64_t>(json);
    if (words.size() != ExactSum().words().size())
        fail(codes::kTableInvalid, "a sum has {} words, {} are expected", words.size(), ExactSum().words().size());
    return ExactSum::from_words(words);
}

float finite_float(const Json& json) {
    const double value = json.get<double>();
    const auto narrowed = static_cast<float>(value);
    if (!std::isfinite(narrowed)) fail(codes::kTableInvalid, "a minimum or maximum is not finite");
    return narrowed;
}

TensorStatistics statistics_from(const Json& json) {
    TensorStatistics statistics;
    statistics.count = integer_of<std::uint64_t>(json.at("count"));
    statistics.zeros = integer_of<std::uint64_t>(json.at("zeros"));
    statistics.nan_count = integer_of<std::uint64_t>(json.at("nan"));
    statistics.infinite_count = integer_of<std::uint64_t>(json.at("infinite"));
    statistics.samples = integer_of<std::uint64_t>(json.at("samples"));
    statistics.min = finite_float(json.at("min"));
    statistics.max = finite_float(json.at("max"));
    if (statistics.min > statistics.max) fail(codes::kTableInvalid, "a minimum is greater than its maximum");
    statistics.sum_of_minima = sum_from(json.at("sum_of_minima"));
    statistics.sum_of_maxima = sum_from(json.at("sum_of_maxima"));
    const Json& histogram = json.at("histogram");
    const int exponent = integer_of<int>(histogram.at("exponent"));
    if (exponent < -149 || exponent > 128) fail(codes::kTableInvalid, "a histogram has exponent {}", exponent);
    statistics.histogram =
        AnchoredHistogram::from_counts(exponent, counts_from(histogram.at("positive")), counts_from(histogram.at("negative")));
    // Means lie between the extremes; a range made of others would be none.
    const ValueRange mean = choose_mean_min_max(statistics);
    if (statistics.samples > 0 && !(statistics.min <= mean.min && mean.min <= mean.max && mean.max <= statistics.max))
        fail(codes::kTableInvalid, "the means of minima and maxima are {} and {}, which are not between the minimum {} and the maximum {}",
             mean.min, mean.max, statistics.min, statistics.max);
    return statistics;
}

}  // namespace

std::string calibration_table_to_json(const CalibrationTable& table) {
    Json json{{"schema", kSchema}, {"schema_version", kVersion}, {"fingerprint", table.fingerprint}, {"samples", table.samples}};
    Json values = Json::object();
    for (const auto& [name, statistics] : table.values) values[name] = statistics_json(statistics);
    json["values"] = std::move(values);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

CalibrationTable calibration_table_from_json(std::string_view text) {
    try {
        const Json json = Json::parse(text);
        if (json.at("schema") != kSchema || json.at("schema_version") != kVersion)
            fail(codes::kTableInvalid, "the file is no calibration table of version {}", kVersion);
        CalibrationTable table;
        table.fingerprint = json.at("fingerprint").get<std::string>();
        table.samples = integer_of<std::uint64_t>(json.at("samples"));
        for (const auto& each : json.at("values").items())
            with_context([&] { return format("value '{}'", each.key()); },
                         [&] { table.values[each.key()] = statistics_from(each.value()); });
        return table;
    } catch (const Json::exception& error) {
        throw Error(codes::kTableInvalid, format("the calibration table cannot be read: {}", error.what()),
                    "make it again with mcompress calibrate");
    }
}

void save_calibration_table(const CalibrationTable& table, const std::filesystem::path& path) {
    write_file_atomically(path, calibration_table_to_json(table));
}

CalibrationTable load_calibration_table(const std::filesystem::path& path) {
    const auto file = MappedFile::open(path);
    return with_context([&] { return format("while reading {}", path.string()); },
                        [&] { return calibration_table_from_json(file->text()); });
}

}  // namespace mcompress
