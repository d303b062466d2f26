// Whether a data set looks like real samples: what can be told from the samples alone.
#pragma once

#include <string>
#include <vector>

#include "data/dataset.h"
#include "support/error_codes.h"

namespace mcompress {

/// Something about the data that makes calibration on it doubtful (Warning) or worthless (Unfit).
struct DataFinding {
    enum class Verdict { Warning, Unfit };
    Verdict verdict = Verdict::Warning;
    std::string what;    // what was found, and what was expected instead
    std::string remedy;  // what to do about it
};

/// Looks at up to 64 samples, evenly spread:
///  - fewer than 8 rows are unfit, fewer than 32 doubtful (rows: the leading extents of the samples, summed up over all of them);
///  - unfit when all are equal, or fewer than half differ; doubtful when more than a tenth repeat others;
///  - unfit when every element of most of them is the same; doubtful when that is so for any;
///  - unfit when they are pictures (the one input of more than two dimensions has four, at most 4 channels, and sides of 16 or more) whose neighbouring
///    elements do not correlate: at the median sample by less than 0.15, the greater of rows and columns. Natural pictures have 0.8 to 0.99, noise 0.
/// The same for any number of threads.
std::vector<DataFinding> check_samples(const Dataset& data, int threads);

/// Correlation of neighbouring elements of a picture [N, C, H, W] or [N, H, W, C], the greater of horizontal and vertical, the mean over channels that vary;
/// -2 when the tensor is no picture or constant.
double neighbour_correlation(const Tensor& tensor);

}  // namespace mcompress
