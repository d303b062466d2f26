// How floats are to be converted: what a user, observed ranges and searches decided.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "tensor/dtype.h"

namespace mcompress {

struct FloatConversion {
    enum class Interface {
        Keep,    // graph inputs and outputs keep their types
        Convert  // they are converted as well
    };

    DType to = DType::Float16;  // Float16, BFloat16, or Float32, which undoes the others
    Interface interface = Interface::Keep;
    std::map<std::string, std::string> keep = {};  // display name of a node that is left alone → a clause that says why
    std::int64_t max_overflow = 0;   // numbers of a constant that may exceed the range (they become the largest finite number)
    double max_flushed = 0.05;       // share of a constant's numbers other than 0 that may become 0, where they matter
    double max_noise = 1e-6;         // they do where rounding changes more than this share of the constant's energy
    double max_magnitude = 32752.0;  // observed |x| beyond which float16 is not trusted: half of its range
};

}  // namespace mcompress
