// Samples that are slices of arrays.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace mcompress {

/// Which axis of a stored array tells the samples apart.
enum class SampleAxis {
    Leading,  // array[i] is sample i; it keeps a leading dimension of 1
    None,     // the arrays are one sample
};

struct NamedArray {
    std::string input;   // the model input it is for; "" when the source does not say
    std::string source;  // where it comes from, for messages
    Tensor tensor;
};

/// A dataset over arrays that are not copied: a mapped file stays on disk until a sample is used. Throws kDataMismatch when the arrays
/// differ in their number of samples or an input comes twice, kDataInvalid when an array has no axis to tell samples apart, kDataEmpty
/// when there is no sample.
std::unique_ptr<Dataset> make_array_dataset(std::vector<NamedArray> arrays, SampleAxis axis);

}  // namespace mcompress
