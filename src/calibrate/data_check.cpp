#include "calibrate/data_check.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <span>

#include "support/format.h"
#include "support/hash.h"
#include "support/parallel.h"
#include "tensor/compare.h"

namespace mcompress {
namespace {

constexpr std::size_t kLooked = 64;
constexpr std::int64_t kFewestRows = 8, kFewRows = 32;
constexpr double kLeastCorrelation = 0.15;
constexpr std::int64_t kShortestSide = 16, kMostChannels = 4;
constexpr double kNoPicture = -2.0;

using Verdict = DataFinding::Verdict;

/// A picture's planes: element (n, c, y, x) lies at n * sample + c * channel + y * row + x * column.
struct Planes {
    std::int64_t samples, channels, height, width;
    std::int64_t sample_step, channel_step, row_step, column_step;
};

bool planes_of(const Shape& shape, Planes& planes) {
    if (shape.rank() != 4 || shape.element_count() == 0) return false;
    if (shape[1] <= kMostChannels && shape[2] >= kShortestSide && shape[3] >= kShortestSide) {
        planes = {shape[0], shape[1], shape[2], shape[3], shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1};
        return true;
    }
    if (shape[3] > kMostChannels || shape[1] < kShortestSide || shape[2] < kShortestSide) return false;
    planes = {shape[0], shape[3], shape[1], shape[2], shape[1] * shape[2] * shape[3], 1, shape[2] * shape[3], shape[3]};
    return true;
}

bool has_numbers(const Tensor& tensor) {
    return tensor.dtype() == DType::Bool || is_float(tensor.dtype()) || is_signed_integer(tensor.dtype()) ||
           is_unsigned_integer(tensor.dtype());
}

/// The correlation of one plane with itself moved by one column or one row, whichever is greater; kNoPicture when it is constant.
double plane_correlation(const float* at, const Planes& planes) {
    double sum = 0.0;
    for (std::int64_t y = 0; y < planes.height; ++y)
        for (std::int64_t x = 0; x < planes.width; ++x) sum += static_cast<double>(at[y * planes.row_step + x * planes.column_step]);
    const double mean = sum / static_cast<double>(planes.height * planes.width);
    double square = 0.0, across = 0.0, down = 0.0;
    for (std::int64_t y = 0; y < planes.height; ++y)
        for (std::int64_t x = 0; x < planes.width; ++x) {
            const float* here = at + y * planes.row_step + x * planes.column_step;
            const double value = static_cast<double>(*here) - mean;
            square += value * value;
            if (x + 1 < planes.width) across += value * (static_cast<double>(here[planes.column_step]) - mean);
            if (y + 1 < planes.height) down += value * (static_cast<double>(here[planes.row_step]) - mean);
        }
    return square > 0.0 && std::isfinite(square) ? std::max(across, down) / square : kNoPicture;
}

struct SampleLook {
    std::string digest;
    std::int64_t rows = 1;
    bool is_constant = false;  // every number of every input is the same as its neighbours
    double correlation = kNoPicture;
};

SampleLook look_at(const Sample& sample, std::size_t index) {
    SampleLook look;
    Hasher hasher;
    bool is_first = true, varies = false;
    std::size_t arrays = 0;  // beyond matrices: a picture may come with sizes and factors, but several arrays are a stream and its states
    std::int64_t elements = 0;
    for (const auto& [name, tensor] : sample) {
        hasher.add_string(name);
        for (const std::int64_t extent : tensor.shape()) hasher.add_integer(extent);
        if (is_first && tensor.shape().rank() > 1) look.rows = tensor.shape()[0];
        is_first = false;
        if (!has_numbers(tensor)) {
            hasher.add_integer(static_cast<std::int64_t>(index));  // text is not compared
            varies = true;
            continue;
        }
        const std::span<const std::byte> bytes(tensor.bytes(), tensor.byte_size());
        hasher.add_bytes(bytes.data(), bytes.size());
        const auto width =
            static_cast<std::ptrdiff_t>(bytes.size() / static_cast<std::size_t>(std::max<std::int64_t>(tensor.element_count(), 1)));
        varies = varies || width == 0 || (!bytes.empty() && !std::equal(bytes.begin() + width, bytes.end(), bytes.begin()));
        elements += tensor.element_count();
        arrays += tensor.shape().rank() > 2 ? 1 : 0;
        if (is_float(tensor.dtype()) || tensor.dtype() == DType::UInt8)
            look.correlation = std::max(look.correlation, neighbour_correlation(tensor));
    }
    if (arrays > 1) look.correlation = kNoPicture;
    look.digest = hasher.hex_digest();
    look.is_constant = !varies && elements > 1;
    return look;
}

void check_number(std::int64_t rows, std::vector<DataFinding>& findings) {
    if (rows >= kFewRows) return;
    findings.push_back({rows < kFewestRows ? Verdict::Unfit : Verdict::Warning,
                        format("there {} {} sample{}; ranges found on fewer than {} say little about the others", rows == 1 ? "is" : "are",
                               rows, rows == 1 ? "" : "s", rows < kFewestRows ? kFewestRows : kFewRows),
                        "give at least 32, better a hundred, of what the model will meet"});
}

void check_equality(const std::vector<SampleLook>& looks, std::vector<DataFinding>& findings) {
    std::set<std::string> digests;
    for (const SampleLook& look : looks) digests.insert(look.digest);
    const std::size_t different = digests.size(), all = looks.size();
    if (all < 2 || 10 * different >= 9 * all) return;
    const Verdict verdict = 2 * different < all || different == 1 ? Verdict::Unfit : Verdict::Warning;
    findings.push_back({verdict,
                        different == 1 ? format("all {} samples looked at are equal", all)
                                       : format("only {} of {} samples looked at differ from the others", different, all),
                        "give different samples: a file read again adds nothing"});
}

void check_constancy(const std::vector<SampleLook>& looks, std::vector<DataFinding>& findings) {
    const auto constant =
        static_cast<std::size_t>(std::count_if(looks.begin(), looks.end(), [](const SampleLook& look) { return look.is_constant; }));
    if (constant == 0) return;
    findings.push_back({2 * constant > looks.size() ? Verdict::Unfit : Verdict::Warning,
                        format("in {} of {} samples looked at, all elements are the same number", constant, looks.size()),
                        "leave blank samples out, or look at how they were made"});
}

void check_correlation(const std::vector<SampleLook>& looks, std::vector<DataFinding>& findings) {
    std::vector<double> correlations;
    for (const SampleLook& look : looks)
        if (look.correlation != kNoPicture) correlations.push_back(look.correlation);
    if (correlations.empty()) return;
    const auto middle = correlations.begin() + static_cast<std::ptrdiff_t>(correlations.size() / 2);
    std::nth_element(correlations.begin(), middle, correlations.end());
    if (*middle >= kLeastCorrelation) return;
    findings.push_back(
        {Verdict::Unfit,
         format("the samples look like random noise: neighbouring pixels correlate by {:.2f} (pictures: 0.8 to 0.99)", *middle),
         "give real pictures; ranges found on noise do not fit them"});
}

}  // namespace

double neighbour_correlation(const Tensor& tensor) {
    Planes planes{};
    if (!planes_of(tensor.shape(), planes)) return kNoPicture;
    const std::vector<float> values = to_floats(tensor);
    double sum = 0.0;
    std::int64_t count = 0;
    for (std::int64_t sample = 0; sample < planes.samples; ++sample)
        for (std::int64_t channel = 0; channel < planes.channels; ++channel) {
            const double found = plane_correlation(values.data() + sample * planes.sample_step + channel * planes.channel_step, planes);
            if (found == kNoPicture) continue;
            sum += found;
            ++count;
        }
    return count == 0 ? kNoPicture : sum / static_cast<double>(count);
}

std::vector<DataFinding> check_samples(const Dataset& data, int threads) {
    std::vector<SampleLook> looks(std::min(kLooked, data.size()));
    parallel_for(looks.size(), threads, [&](int, std::size_t at) {
        const std::size_t index = at * data.size() / looks.size();
        looks[at] = look_at(data.sample(index), index);
    });
    std::vector<DataFinding> findings;
    if (looks.empty()) return findings;
    std::int64_t rows = 0;
    for (const SampleLook& look : looks) rows += look.rows;
    check_number(std::max(rows, static_cast<std::int64_t>(data.size())), findings);
    check_equality(looks, findings);
    check_constancy(looks, findings);
    check_correlation(looks, findings);
    return findings;
}

}  // namespace mcompress
