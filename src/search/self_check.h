// Whether a quantized model still is the model it was made from, and what is to blame when it is not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "quant/calibration_table.h"
#include "search/precision_search.h"
#include "tune/trial.h"

namespace mcompress {

/// A model below these has collapsed: no longer a worse version of the network, but another one.
struct SelfCheckLimits {
    /// Of a classifier's decisions. The weakest published int8 classifiers keep about 0.75 (MobileNetV1 0.25 on ImageNet), what collapses keeps 0 to 0.4. Few
    /// samples are held out, so a model fails only when so few equal decisions would come with at most 5 % probability from one that keeps this share, or when its outputs are below
    /// least_sqnr_db as well.
    double least_agreement = 0.7;
    /// Of every output of other models, in dB: a tenth of the output's energy is noise. Working detectors and speech nets lie at 12 and above.
    double least_sqnr_db = 10.0;
    /// Decisions that say something about agreement; with fewer the outputs are judged.
    std::size_t least_rows = 8;
};

struct SelfCheckMeasure {
    std::size_t samples = 0;
    double sqnr_db = 0.0;             // of the worst output
    std::optional<double> agreement;  // of a classifier, 0…1
    bool judged_by_agreement = false;
    bool has_collapsed = false;
    /// What the repair lowers: 1 - agreement, or the worst output's noise over its signal; and where it is low enough.
    double badness = 0.0;
    double acceptable = 0.0;
};

SelfCheckMeasure judge(const TrialResult& result, std::size_t samples, const SelfCheckLimits& limits = {});

/// Probability that of `trials` independent decisions at most `successes` are equal when each is with `probability`.
double binomial_cdf(std::size_t successes, std::size_t trials, double probability);

/// Why this source is what 8 bits cannot hold: the operator it comes from, how its values are spread. Empty when nothing stands out.
std::string explain(const NoiseSource& source, const CalibrationTable& table);

/// The sources that make up most of the error, at most five, a clause each.
std::vector<std::string> name_culprits(const std::vector<RankedSource>& ranking, const CalibrationTable& table);

}  // namespace mcompress
