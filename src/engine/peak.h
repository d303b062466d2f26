// What this machine can compute at best.
#pragma once

namespace mcompress {

/// 10^9 operations a second (a multiply-accumulate counts as two) of the best of many matrix products that fit the caches.
struct PeakRates {
    double f32 = 0.0;
    double int8 = 0.0;  // u8 · s8 → s32; 0 where the processor has no exact 8-bit products
};

/// Takes about a tenth of a second.
PeakRates measure_peak(int threads);

}  // namespace mcompress
