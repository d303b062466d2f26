#include "search/self_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "support/format.h"

namespace mcompress {
namespace {

/// Operators whose results span orders of magnitude.
constexpr std::array<std::string_view, 9> kWideOperators{"Log",  "Pow", "Exp",  "Reciprocal",     "Div",
                                                         "Sqrt", "DFT", "STFT", "ReduceSumSquare"};

/// The magnitude that 99 of 100 finite elements stay below (zeros included); by bins of the histogram.
double magnitude_of_most(const TensorStatistics& statistics) {
    const auto positive = statistics.histogram.positive();
    const auto negative = statistics.histogram.negative();
    const auto wanted = static_cast<double>(statistics.count) * 0.99;
    auto below = static_cast<double>(statistics.zeros);
    const std::size_t bins = std::max(positive.size(), negative.size());
    for (std::size_t bin = 0; bin < bins; ++bin) {
        if (below >= wanted) return static_cast<double>(bin) * statistics.histogram.bin_width();
        below +=
            static_cast<double>(bin < positive.size() ? positive[bin] : 0) + static_cast<double>(bin < negative.size() ? negative[bin] : 0);
    }
    return static_cast<double>(bins) * statistics.histogram.bin_width();
}

double worst_ratio(const TrialResult& result) {
    double worst = 0.0;
    for (const ErrorMeasure& output : result.outputs) {
        if (output.not_finite > 0) return std::numeric_limits<double>::infinity();
        if (output.noise > 0.0) worst = std::max(worst, output.noise / std::max(output.signal, std::numeric_limits<double>::min()));
    }
    return worst;
}

}  // namespace

double binomial_cdf(std::size_t successes, std::size_t trials, double probability) {
    double sum = 0.0;
    const auto n = static_cast<double>(trials);
    for (std::size_t at = 0; at <= std::min(successes, trials); ++at) {
        const auto k = static_cast<double>(at);
        sum += std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) + k * std::log(probability) +
                        (n - k) * std::log1p(-probability));
    }
    return std::min(sum, 1.0);
}

SelfCheckMeasure judge(const TrialResult& result, std::size_t samples, const SelfCheckLimits& limits) {
    SelfCheckMeasure measure{.samples = samples, .agreement = result.agreement()};
    const double ratio = worst_ratio(result);
    measure.sqnr_db = ratio > 0.0 ? -10.0 * std::log10(ratio) : std::numeric_limits<double>::infinity();
    measure.judged_by_agreement = result.rows >= limits.least_rows && std::isfinite(ratio);
    if (measure.judged_by_agreement) {
        // Few decisions may be unlucky ones, but not together with outputs that are mostly noise.
        measure.has_collapsed = binomial_cdf(result.agreements, result.rows, limits.least_agreement) <= 0.05 ||
                                (*measure.agreement < limits.least_agreement && measure.sqnr_db < limits.least_sqnr_db);
        measure.badness = 1.0 - *measure.agreement;
        measure.acceptable = 1.0 - limits.least_agreement;
    } else {
        measure.has_collapsed = measure.sqnr_db < limits.least_sqnr_db;
        measure.badness = ratio;
        measure.acceptable = std::pow(10.0, -limits.least_sqnr_db / 10.0);
    }
    return measure;
}

std::string explain(const NoiseSource& source, const CalibrationTable& table) {
    const bool is_value = source.kind == NoiseSource::Kind::Activation;
    if (!is_value) return {};
    std::string text;
    if (std::find(kWideOperators.begin(), kWideOperators.end(), source.op) != kWideOperators.end())
        text = format("a {} computes it", source.op);
    const auto found = table.values.find(source.name);
    if (found == table.values.end() || found->second.count == 0) return text;
    const TensorStatistics& statistics = found->second;
    const double greatest = std::max(std::abs(static_cast<double>(statistics.min)), std::abs(static_cast<double>(statistics.max)));
    const double most = magnitude_of_most(statistics);
    if (most > 0.0 && greatest > 8.0 * most)
        text += format("{}99 % of its values stay below {:.3g}, but its range is [{:.3g}, {:.3g}]", text.empty() ? "" : "; ", most,
                       statistics.min, statistics.max);
    return text;
}

std::vector<std::string> name_culprits(const std::vector<RankedSource>& ranking, const CalibrationTable& table) {
    std::vector<std::string> culprits;
    double named = 0.0;
    for (const RankedSource& ranked : ranking) {
        if (culprits.size() == 5 || named >= 0.8 || ranked.share < 0.02) break;
        named += ranked.share;
        const bool is_value = ranked.source.kind == NoiseSource::Kind::Activation;
        const std::string why = explain(ranked.source, table);
        culprits.push_back(format("{:.0f} % of the error comes from 8 bits for {} '{}'{}", 100.0 * ranked.share,
                                  is_value ? "the value" : "the weights of", ranked.source.name, why.empty() ? "" : " (" + why + ")"));
    }
    return culprits;
}

}  // namespace mcompress
