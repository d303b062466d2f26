// Sampling images at the points of a grid: GridSample, and AffineGrid, which makes such grids.
#include <algorithm>
#include <array>
#include <cmath>

#include "engine/reference/kernel_families.h"
#include "engine/reference/saturate.h"
#include "engine/reference/widened_like.h"
#include "ops/vision.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

using Corners = GridSampleAttrs::Corners;
using Mode = GridSampleAttrs::Mode;
using Padding = GridSampleAttrs::Padding;

constexpr int kLargestRank = 3;
constexpr std::int64_t kOutside = -1;

/// What one coordinate reads along its axis: a few positions, as offsets into a plane, and their weights.
struct AxisTaps {
    int count = 0;
    std::array<std::int64_t, 4> offset{};
    std::array<double, 4> weight{};

    void add(std::int64_t at, double with) {
        offset[static_cast<std::size_t>(count)] = at;
        weight[static_cast<std::size_t>(count++)] = with;
    }
};

/// One spatial axis of the input.
class Axis {
public:
    Axis(const GridSampleAttrs& attrs, std::int64_t extent, std::int64_t stride)
        : mode_(attrs.mode),
          padding_(attrs.padding),
          corners_(attrs.corners),
          extent_(extent),
          stride_(stride),
          low_(attrs.corners == Corners::PixelCentres ? 0.0 : -0.5),
          high_(static_cast<double>(extent) + (attrs.corners == Corners::PixelCentres ? -1.0 : -0.5)) {}

    /// Position of grid coordinate `x` in [-1, 1] in pixels, in the arithmetic of the grid's type.
    template <typename T> double position(T x) const {
        const T extent = static_cast<T>(extent_);
        if (corners_ == Corners::PixelCentres) return static_cast<double>((x + T{1}) / T{2} * (extent - T{1}));
        return static_cast<double>(((x + T{1}) * extent - T{1}) / T{2});
    }

    AxisTaps taps(double x) const {
        AxisTaps result;
        x = moved_inside(mode_ == Mode::Nearest ? std::nearbyint(x) : x);
        // Beyond this no tap can lie inside, and the numbers below would not fit; NaN is outside as well.
        if (!(x > -4.0 && x < static_cast<double>(extent_) + 4.0)) {
            result.add(kOutside, 0.0);
            return result;
        }
        const double floor = std::floor(x), rest = x - floor;
        const auto first = static_cast<std::int64_t>(floor);
        if (mode_ == Mode::Nearest) {
            result.add(pixel(first), 1.0);
        } else if (mode_ == Mode::Linear) {
            result.add(pixel(first), 1.0 - rest);
            result.add(pixel(first + 1), rest);
        } else {
            for (int tap = -1; tap <= 2; ++tap) result.add(pixel(first + tap), cubic_weight(std::abs(rest - tap)));
        }
        return result;
    }

private:
    /// Keys' cubic convolution kernel with a = -0.75, for distances up to 2.
    static double cubic_weight(double x) {
        constexpr double a = -0.75;
        if (x <= 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
        return ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a;
    }

    double reflected(double x) const {
        const double range = high_ - low_, beyond = x < low_ ? low_ - x : x - high_;
        if (!(range > 0.0) || !std::isfinite(beyond)) return low_;
        const double rest = std::fmod(beyond, 2.0 * range);
        const double inward = rest < range ? rest : 2.0 * range - rest;
        return x < low_ ? low_ + inward : high_ - inward;
    }

    double moved_inside(double x) const {
        if (padding_ == Padding::Zeros || (x >= low_ && x <= high_)) return x;
        if (std::isnan(x)) return 0.0;
        if (padding_ == Padding::Reflection) return reflected(x);
        // A cubic kernel reads the border from outside too, beyond its reach nothing else.
        const double reach = mode_ == Mode::Cubic ? 3.0 : 0.0;
        return std::clamp(x, -reach, static_cast<double>(extent_ - 1) + reach);
    }

    /// Where the pixel that stands for position `at` lies in a plane.
    std::int64_t pixel(std::int64_t at) const {
        if (at >= 0 && at < extent_) return at * stride_;
        if (padding_ == Padding::Zeros) return kOutside;
        if (padding_ == Padding::Reflection) at = static_cast<std::int64_t>(reflected(static_cast<double>(at)));
        return std::clamp<std::int64_t>(at, 0, extent_ - 1) * stride_;
    }

    Mode mode_;
    Padding padding_;
    Corners corners_;
    std::int64_t extent_, stride_;
    double low_, high_;  // where reflection turns
};

/// The elements of a plane that one grid point reads.
struct PointTaps {
    int count = 0;
    std::array<std::int64_t, 64> offset;
    std::array<double, 64> weight;
};

/// Three axes, the leading ones trivial where the input has fewer.
using AxesTaps = std::array<AxisTaps, kLargestRank>;

void combine(const AxesTaps& axes, PointTaps& result) {
    result.count = 0;
    const auto& [d, h, w] = axes;
    for (std::size_t i = 0; i < static_cast<std::size_t>(d.count); ++i)
        for (std::size_t j = 0; j < static_cast<std::size_t>(h.count); ++j)
            for (std::size_t k = 0; k < static_cast<std::size_t>(w.count); ++k) {
                if (d.offset[i] == kOutside || h.offset[j] == kOutside || w.offset[k] == kOutside) continue;
                const auto at = static_cast<std::size_t>(result.count++);
                result.offset[at] = d.offset[i] + h.offset[j] + w.offset[k];
                result.weight[at] = d.weight[i] * h.weight[j] * w.weight[k];
            }
}

struct Geometry {
    std::int64_t batch, channels, plane, points;
    std::vector<Axis> axes;
};

template <typename T, typename G> void sample(const KernelContext& context, const Geometry& g, T* to) {
    const T* x = context.input(0).data<T>();
    const G* grid = context.input(1).data<G>();
    const std::size_t rank = g.axes.size();
    const std::int64_t total = g.batch * g.points;
    const int threads = total * g.channels > (1 << 14) ? context.threads : 1;
    parallel_chunks(static_cast<std::size_t>(total), 256, threads, [&](std::size_t, std::size_t begin, std::size_t end) {
        AxesTaps axes;
        for (AxisTaps& trivial : axes) trivial.add(0, 1.0);
        PointTaps taps;
        const G* point = grid + begin * rank;
        for (auto at = static_cast<std::int64_t>(begin); at < static_cast<std::int64_t>(end); ++at, point += rank) {
            for (std::size_t axis = 0; axis < rank; ++axis)  // a point names the last axis first
                axes[kLargestRank - rank + axis] = g.axes[axis].taps(g.axes[axis].position(point[rank - 1 - axis]));
            combine(axes, taps);
            const std::int64_t n = at / g.points;
            for (std::int64_t c = 0; c < g.channels; ++c) {
                const T* plane = x + (n * g.channels + c) * g.plane;
                T& result = to[(n * g.channels + c) * g.points + at % g.points];
                if (taps.count == 1 && taps.weight[0] == 1.0) {
                    result = plane[taps.offset[0]];
                    continue;
                }
                double sum = 0.0;
                for (std::size_t i = 0; i < static_cast<std::size_t>(taps.count); ++i)
                    sum += taps.weight[i] * static_cast<double>(plane[taps.offset[i]]);
                result = saturate<T>(sum);
            }
        }
    });
}

void grid_sample(const KernelContext& context) {
    const auto a = attrs<GridSampleAttrs>(context.node);
    const Tensor &x = context.required(0), &grid = context.required(1);
    const int rank = x.shape().rank() - 2;
    if (rank < 1 || rank > kLargestRank || grid.shape().rank() != rank + 2 || grid.shape()[rank + 1] != rank ||
        grid.shape()[0] != x.shape()[0])
        context.reject(format("a grid of shape {} does not fit an input of shape {} with one to three spatial axes",
                              grid.shape().to_string(), x.shape().to_string()));
    Geometry g{x.shape()[0], x.shape()[1], x.shape().product(2, rank + 2), grid.shape().product(1, rank + 1), {}};
    std::vector<std::int64_t> dims{g.batch, g.channels};
    const std::vector<std::int64_t> own = x.shape().strides();
    for (int axis = 0; axis < rank; ++axis) {
        dims.push_back(grid.shape()[axis + 1]);
        g.axes.emplace_back(a, x.shape()[axis + 2], own[static_cast<std::size_t>(axis) + 2]);
    }
    const Shape shape(std::move(dims));
    Tensor& y = context.make_output(0, x.dtype(), shape);
    if (y.element_count() == 0) return;
    if (g.plane == 0) context.reject("there is nothing to sample from");
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        dispatch(Floats{}, context, grid.dtype(), [&]<typename G>() { sample<T, G>(context, g, y.mutable_data<T>()); });
    });
}

/// Coordinate of step `i` of `extent` along an axis from -1 to 1. A single one lies where ONNX Runtime has it; ONNX divides by zero.
double base_coordinate(Corners corners, std::int64_t i, std::int64_t extent) {
    const double at = static_cast<double>(i), steps = static_cast<double>(extent);
    if (corners == Corners::PixelEdges) return (2.0 * at + 1.0) / steps - 1.0;
    return extent > 1 ? 2.0 * at / (steps - 1.0) - 1.0 : 1.0;
}

/// Every point of the output's grid, in coordinates from -1 to 1 with the last axis first, through its sample's affine map.
void affine_grid(const KernelContext& context) {
    const auto a = attrs<AffineGridAttrs>(context.node);
    const Tensor& theta = context.required(0);
    const auto size = integers(context, context.required(1));
    const std::int64_t rank = static_cast<std::int64_t>(size.size()) - 2;
    if (rank < 1 || rank > kLargestRank || theta.shape() != Shape{size[0], rank, rank + 1})
        context.reject(format("maps of shape {} do not fit a size of {} entries", theta.shape().to_string(), size.size()));
    std::vector<std::int64_t> dims{size[0]};
    dims.insert(dims.end(), size.begin() + 2, size.end());
    dims.push_back(rank);
    const Shape shape(std::move(dims));
    Tensor& y = context.make_output(0, theta.dtype(), shape);
    if (y.element_count() == 0) return;
    const std::int64_t points = shape.product(1, static_cast<int>(rank) + 1);
    dispatch(Floats{}, context, theta.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        for (std::int64_t at = 0; at < size[0] * points; ++at) {
            std::array<double, kLargestRank> coordinates{};
            std::int64_t rest = at;
            for (std::int64_t k = 0; k < rank; ++k) {  // the last axis first
                const std::int64_t extent = size[static_cast<std::size_t>(rank + 1 - k)];
                coordinates[static_cast<std::size_t>(k)] = base_coordinate(a.corners, rest % extent, extent);
                rest /= extent;
            }
            const T* row = theta.data<T>() + at / points * rank * (rank + 1);
            for (std::int64_t k = 0; k < rank; ++k, row += rank + 1) {
                double sum = static_cast<double>(row[rank]);
                for (std::int64_t j = 0; j < rank; ++j) sum += static_cast<double>(row[j]) * coordinates[static_cast<std::size_t>(j)];
                *to++ = static_cast<T>(sum);
            }
        }
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "AffineGrid", widened<affine_grid>},
    {"", "GridSample", widened_like<grid_sample, 0>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> grid_sample_kernels() { return kRows; }

}  // namespace mcompress::reference
