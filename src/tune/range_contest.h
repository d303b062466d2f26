// Which of a value's candidate ranges costs the outputs least, estimated from a few samples that are not picked evenly: clipping harms the rare samples
// whose extremes lie far out, so the ones that lie farthest are all looked at, and some of the others for the rest.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "quant/choose_params.h"
#include "tensor/statistics.h"

namespace mcompress {

struct RangeContest {
    /// A sample and how many of all samples it stands for.
    struct Witness {
        std::size_t sample = 0;
        double weight = 1.0;
    };

    std::string name;       // of the value in its graph
    std::string qualified;  // in tables and schemes
    DType dtype = DType::UInt8;
    std::vector<ValueRange> candidates = {};  // from wide to narrow
    std::size_t start = 0;                    // what the default method gives
    std::size_t best = 0;
    bool matters = true;  // whether a better range could show in the whole error
    std::vector<Witness> witnesses = {};
    std::vector<std::vector<double>> noise = {};  // by candidate: of each witness; empty where it was not looked at

    /// Takes `count` witnesses out of all samples, a third of them for lying farthest out. `extremes` has a range a sample.
    void choose_witnesses(const std::vector<ValueRange>& extremes, std::size_t count);
    /// The mean over all samples.
    double mean_noise(std::size_t candidate) const;
    /// The candidates to look at next: the start, then (where it matters) neighbours of the best until both are known.
    std::vector<std::size_t> wanted() const;
    /// Puts candidates half way between the best and its neighbours; false when they are as near as is of use, or it does not matter.
    bool refine();
    /// Between the start (0) and the best (1).
    ValueRange part_of_the_way(float way) const;
    /// Finds the best of what is known.
    void settle();
    /// Whether the best is better than the start by more than chance: one standard error over the witnesses.
    bool is_certain() const;
};

}  // namespace mcompress
