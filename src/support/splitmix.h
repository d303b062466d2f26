// SplitMix64: a hash of one number that serves where a choice has to look random and be the same every time.
#pragma once

#include <cstdint>

namespace mcompress {

inline constexpr std::uint64_t kSplitMixStep = 0x9E3779B97F4A7C15U;

/// The number that the generator in this state gives (Steele, Lea and Flood 2014); its next state is `state + kSplitMixStep`. Every bit of the state changes
/// half of the result's.
constexpr std::uint64_t splitmix64(std::uint64_t state) {
    state += kSplitMixStep;
    state = (state ^ (state >> 30U)) * 0xBF58476D1CE4E5B9U;
    state = (state ^ (state >> 27U)) * 0x94D049BB133111EBU;
    return state ^ (state >> 31U);
}

}  // namespace mcompress
