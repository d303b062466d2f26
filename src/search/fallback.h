// In which order sources are given up to more precision, and how few of them a limit needs.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "quant/scheme.h"
#include "search/noise_sources.h"

namespace mcompress {

/// Nodes to leave in float so that one source vanishes, or values to give 16 bits so that hardly anything of it is left.
struct FallbackStep {
    std::string source;  // name of the source that asked for it
    std::string op;      // as NoiseSource::op
    NoiseSource::Kind kind = NoiseSource::Kind::Activation;
    std::vector<std::string> nodes;       // left in float by this step, not by an earlier one
    double share = 0.0;                   // of the whole effect that the step removes
    double macs_share = 0.0;              // of the model's multiply-accumulates left in float after this step and all before it
    std::vector<std::string> units = {};  // all nodes of the source, whoever else asks for them
    std::vector<std::string> values =
        {};  // when the source is one of values: what 16 bits would have to go to, so that its nodes compute with them
    std::optional<DType> wide = {};  // the type of these values' codes, when they get 16 bits and the nodes keep their integer weights
    double wide_macs_share = 0.0;    // of nodes that are not in float and read or write such values, after this step and all before it
};

/// Greedy: the step that removes most for what it costs comes first. A step costs the multiply-accumulates it leaves in float, and as much as a
/// fiftieth of all for each node, so that few nodes win over many. `effects` holds one number a source, which add up. Ends when nothing is left to remove.
std::vector<FallbackStep> order_fallbacks(std::span<const NoiseSource> sources, std::span<const double> effects, std::int64_t total_macs);

/// Writes the shares of multiply-accumulates of all steps, whose forms may have changed. `sources` are those that the steps were made of.
void count_shares(std::span<FallbackStep> steps, std::span<const NoiseSource> sources, std::int64_t total_macs);

/// The scheme with the first `count` steps carried out; each node in float gets a reason that begins with `why`.
QuantizationScheme with_fallbacks(const QuantizationScheme& scheme, std::span<const FallbackStep> steps, std::size_t count,
                                  const std::string& why);

/// A number of steps that was tried, and what it gave.
struct FallbackTry {
    std::size_t steps = 0;
    double measured = 0.0;
    bool met = false;
    std::size_t wide = 0;  // of the steps: with 16-bit activations instead of floats
};

struct FewestResult {
    bool met = false;
    std::size_t steps = 0;  // when met: it was tried and met the limit, and one step fewer was tried and did not (or there is none)
    std::vector<FallbackTry> tries;  // in the order they were made
};

/// The least number of steps in [0, count] that meets a limit, if more steps never make it worse. Starts at `guess` and doubles the stride up or down until the
/// answer is enclosed, then bisects. `measure(steps)` is called once for each number tried; 0 is known to fail with `at_none`.
FewestResult find_fewest(std::size_t count, std::size_t guess, double limit, double at_none,
                         const std::function<double(std::size_t steps)>& measure);

}  // namespace mcompress
