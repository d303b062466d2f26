// What searches found, as plain data for the report.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search/fallback.h"
#include "search/precision_search.h"
#include "search/self_check.h"

namespace mcompress {

struct SelfCheckReport {
    SelfCheckMeasure quantized;  // with everything quantized
    SelfCheckLimits limits;
    std::vector<std::string> culprits;         // when it collapsed: what is to blame, a clause each
    std::vector<FallbackStep> repair;          // nodes put back to float
    std::optional<SelfCheckMeasure> repaired;  // of the model that was written, when it is another one
};

/// How an accuracy budget was kept.
struct BudgetReport {
    std::string metric;                         // "top1", "agreement", "sqnr", "kl", "command"
    double max_drop = 0.0;                      // in points, as all that follows
    std::size_t samples = 0;                    // of the evaluation; 0 when a command evaluates
    double drop_int8 = 0.0;                     // with everything quantized
    double drop = 0.0;                          // of the model that was written, or of the best that was tried
    std::optional<double> standard_error = {};  // of the drop of the model that was written, else of drop_int8
    bool met = false;
    double float_macs_share = 0.0;
    double wide_macs_share = 0.0;          // with integer weights and 16-bit activations
    std::vector<FallbackStep> steps = {};  // carried out
    std::vector<FallbackTry> tries = {};   // full evaluations after the first
    std::vector<RankedSource> ranking = {};
};

/// How well the effects of single sources predict that of many.
struct Additivity {
    struct Set {
        std::size_t sources = 0;
        double predicted = 0.0;  // sum of the single effects
        double measured = 0.0;
    };
    std::vector<Set> sets;
    double correlation = 0.0;  // of predicted and measured, over the sets
};

/// Pearson's; 0 for fewer than two sets or without any spread.
double correlation_of(const std::vector<Additivity::Set>& sets);

struct SensitivityReport {
    std::string model;
    std::string data;
    std::size_t samples = 0;
    std::string metric;
    double effect_of_all = 0.0;  // measured with everything quantized
    std::vector<RankedSource> ranking = {};
    std::map<std::string, double> cumulative_sqnr_db = {};  // of values, with everything quantized, by name
    std::optional<Additivity> additivity = {};
};

}  // namespace mcompress
