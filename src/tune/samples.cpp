#include "tune/samples.h"

#include <vector>

#include "data/subset.h"
#include "support/error.h"

namespace mcompress {
bool is_held_out(std::size_t index, std::size_t count) {
    constexpr std::size_t kPhase = 2;
    return count < kHoldOutPeriod ? index + 1 == count : index % kHoldOutPeriod == kPhase;
}

SampleSplit split_samples(const std::shared_ptr<const Dataset>& data) {
    const std::size_t count = data->size();
    if (count == 0) throw Error(codes::kDataEmpty, "there is no sample to calibrate on", "give at least one, better a hundred");
    if (count == 1) return {data, data};
    std::vector<std::size_t> fit, held_out;
    for (std::size_t at = 0; at < count; ++at) (is_held_out(at, count) ? held_out : fit).push_back(at);
    return {choose(data, std::move(fit)), choose(data, std::move(held_out))};
}

}  // namespace mcompress
