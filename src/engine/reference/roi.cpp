// Pooling regions of interest: RoiAlign and MaxRoiPool.
#include <algorithm>
#include <cmath>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/pool.h"
#include "ops/vision.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

/// Coordinates beyond it would lose whole pixels to rounding; no image is that large.
constexpr double kLargestCoordinate = 1e9;

/// Bilinear interpolation along one axis: (1 - rest) of `low`, `rest` of `high`.
struct Sample {
    std::int64_t low, high;
    double rest;
};

/// The samples of one bin along one axis that lie in the image, and how many there are in all.
struct Bin {
    std::vector<Sample> inside;
    double count = 0.0;
};

/// One axis of a region, from `begin` to `end` in pixels of the image.
template <typename T> struct Extent {
    T begin, end;
    std::int64_t bins, pixels;
};

/// Samples lie at start + (i + 0.5) size / count, in the arithmetic of the regions; those from -1 to the image's far side count.
template <typename T> Bin sample_bin(T start, T size, double count, std::int64_t pixels) {
    Bin result{{}, count};
    // With ascending samples those in the image follow each other, however many lie outside.
    const bool ascends = size > T{0};
    const double step = static_cast<double>(size) / count;
    const double first = ascends ? std::clamp(std::floor((-1.0 - static_cast<double>(start)) / step - 1.5), 0.0, count) : 0.0;
    for (double i = first; i < count; i += 1.0) {
        double at = static_cast<double>(start + (static_cast<T>(i) + T{0.5}) * size / static_cast<T>(count));
        if (ascends && at > static_cast<double>(pixels)) break;
        if (at < -1.0 || at > static_cast<double>(pixels)) continue;
        at = std::max(at, 0.0);
        const auto low = std::min(static_cast<std::int64_t>(at), pixels - 1);
        const bool is_last = low == pixels - 1;
        result.inside.push_back({low, is_last ? low : low + 1, is_last ? 0.0 : at - static_cast<double>(low)});
    }
    return result;
}

/// All bins of an axis; a region whose coordinates are no numbers has no samples.
template <typename T> std::vector<Bin> sample_axis(const RoiAlignAttrs& a, const Extent<T>& e) {
    std::vector<Bin> bins(static_cast<std::size_t>(e.bins));
    for (const T edge : {e.begin, e.end})
        if (!(std::abs(static_cast<double>(edge)) <= kLargestCoordinate)) return bins;
    T length = e.end - e.begin;
    if (a.coordinates == RoiAlignAttrs::Coordinates::OutputHalfPixel) length = std::max(length, T{1});
    const T size = length / static_cast<T>(e.bins);
    const double count = a.sampling_ratio > 0 ? static_cast<double>(a.sampling_ratio) : static_cast<double>(std::ceil(size));
    if (count < 1.0) return bins;
    for (std::size_t bin = 0; bin < bins.size(); ++bin) bins[bin] = sample_bin(e.begin + static_cast<T>(bin) * size, size, count, e.pixels);
    return bins;
}

template <typename T> double average(const T* plane, std::int64_t width, const Bin& rows, const Bin& columns) {
    double sum = 0.0;
    for (const Sample& y : rows.inside)
        for (const Sample& x : columns.inside) {
            const T *low = plane + y.low * width, *high = plane + y.high * width;
            const auto along = [&](const T* row) {
                return (1.0 - x.rest) * static_cast<double>(row[x.low]) + x.rest * static_cast<double>(row[x.high]);
            };
            sum += (1.0 - y.rest) * along(low) + y.rest * along(high);
        }
    return sum / std::max(rows.count * columns.count, 1.0);
}

/// The largest weighted corner, not the largest interpolated value: what the operator's implementations have always computed.
template <typename T> double largest(const T* plane, std::int64_t width, const Bin& rows, const Bin& columns) {
    bool is_first = true;
    double best = 0.0;
    const auto take = [&](double value) {
        best = is_first ? value : std::max(best, value);
        is_first = false;
    };
    const double inside = static_cast<double>(rows.inside.size()) * static_cast<double>(columns.inside.size());
    if (inside < rows.count * columns.count) take(0.0);
    for (const Sample& y : rows.inside)
        for (const Sample& x : columns.inside) {
            const T *low = plane + y.low * width, *high = plane + y.high * width;
            take((1.0 - y.rest) * (1.0 - x.rest) * static_cast<double>(low[x.low]));
            take((1.0 - y.rest) * x.rest * static_cast<double>(low[x.high]));
            take(y.rest * (1.0 - x.rest) * static_cast<double>(high[x.low]));
            take(y.rest * x.rest * static_cast<double>(high[x.high]));
        }
    return best;
}

/// The image a region lies in, checked.
std::int64_t checked_batch(const KernelContext& context, double index, std::int64_t batches) {
    if (!(index >= 0.0 && index < static_cast<double>(batches))) context.reject(format("there is no image {} among {}", index, batches));
    return static_cast<std::int64_t>(index);
}

template <typename T> void align_region(const RoiAlignAttrs& a, const Shape& shape, const T* image, const T* roi, T* to) {
    const T scale = static_cast<T>(a.spatial_scale);
    const T shift = a.coordinates == RoiAlignAttrs::Coordinates::HalfPixel ? T{0.5} : T{0};
    const auto scaled = [&](int corner) { return roi[corner] * scale - shift; };
    const std::vector<Bin> columns = sample_axis<T>(a, {scaled(0), scaled(2), a.output_width, shape[3]});
    const std::vector<Bin> rows = sample_axis<T>(a, {scaled(1), scaled(3), a.output_height, shape[2]});
    for (std::int64_t c = 0; c < shape[1]; ++c, image += shape[2] * shape[3])
        for (const Bin& y : rows)
            for (const Bin& x : columns)
                *to++ = static_cast<T>(a.mode == RoiAlignAttrs::Mode::Average ? average(image, shape[3], y, x)
                                                                              : largest(image, shape[3], y, x));
}

void roi_align(const KernelContext& context) {
    const auto a = attrs<RoiAlignAttrs>(context.node);
    const Tensor &x = context.required(0), &rois = context.required(1);
    const auto batches = integers(context, context.required(2));
    const Shape& shape = x.shape();
    const auto count = static_cast<std::int64_t>(batches.size());
    if (shape.rank() != 4 || rois.shape() != Shape{count, 4} || rois.dtype() != x.dtype())
        context.reject(format("{} regions of shape {} in images of shape {}", count, rois.shape().to_string(), shape.to_string()));
    const Shape output{count, shape[1], a.output_height, a.output_width};
    for (const std::int64_t batch : batches) checked_batch(context, static_cast<double>(batch), shape[0]);
    Tensor& y = context.make_output(0, x.dtype(), output);
    if (y.element_count() == 0) return;
    if (shape[2] * shape[3] == 0) context.reject("there is nothing to sample from");
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        const std::int64_t image = shape.product(1, 4), region = output.product(1, 4);
        parallel_for(batches.size(), y.element_count() > (1 << 14) ? context.threads : 1, [&](int, std::size_t i) {
            const auto at = static_cast<std::int64_t>(i);
            align_region(a, shape, x.data<T>() + batches[i] * image, rois.data<T>() + at * 4, to + at * region);
        });
    });
}

/// Pixels [begin, end) of bin `bin` along an axis, clipped to the image.
struct Pixels {
    std::int64_t begin, end;
};

Pixels pixels_of_bin(double first, double last, std::int64_t bin, std::int64_t bins, std::int64_t extent) {
    const float size = static_cast<float>(std::max(last - first + 1.0, 1.0)) / static_cast<float>(bins);
    const auto place = [&](float offset) {
        return static_cast<std::int64_t>(std::clamp(static_cast<double>(offset) + first, 0.0, static_cast<double>(extent)));
    };
    return {place(std::floor(static_cast<float>(bin) * size)), place(std::ceil(static_cast<float>(bin + 1) * size))};
}

template <typename T> T largest_in(const T* plane, std::int64_t width, Pixels rows, Pixels columns) {
    if (rows.end <= rows.begin || columns.end <= columns.begin) return T{};
    T best = plane[rows.begin * width + columns.begin];
    for (std::int64_t row = rows.begin; row < rows.end; ++row)
        for (std::int64_t column = columns.begin; column < columns.end; ++column) best = std::max(best, plane[row * width + column]);
    return best;
}

/// A region is [image, x of its first pixel, y, x of its last pixel, y]; an empty bin gives 0.
template <typename T> void pool_region(const RoiPoolAttrs& a, const Shape& shape, const T* image, const T* roi, T* to) {
    const auto corner = [&](int index) {
        const double at = static_cast<double>(std::round(roi[index] * static_cast<T>(a.spatial_scale)));
        return std::isnan(at) ? 0.0 : std::clamp(at, -kLargestCoordinate, kLargestCoordinate);
    };
    const double left = corner(1), top = corner(2), right = corner(3), bottom = corner(4);
    for (std::int64_t c = 0; c < shape[1]; ++c, image += shape[2] * shape[3])
        for (std::int64_t row = 0; row < a.pooled_shape[0]; ++row)
            for (std::int64_t column = 0; column < a.pooled_shape[1]; ++column)
                *to++ = largest_in(image, shape[3], pixels_of_bin(top, bottom, row, a.pooled_shape[0], shape[2]),
                                   pixels_of_bin(left, right, column, a.pooled_shape[1], shape[3]));
}

void max_roi_pool(const KernelContext& context) {
    const auto a = attrs<RoiPoolAttrs>(context.node);
    const Tensor &x = context.required(0), &rois = context.required(1);
    const Shape& shape = x.shape();
    if (shape.rank() != 4 || rois.shape().rank() != 2 || rois.shape()[1] != 5 || rois.dtype() != x.dtype())
        context.reject(format("regions of shape {} in images of shape {}", rois.shape().to_string(), shape.to_string()));
    const Shape output{rois.shape()[0], shape[1], a.pooled_shape[0], a.pooled_shape[1]};
    Tensor& y = context.make_output(0, x.dtype(), output);
    if (y.element_count() == 0) return;
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = y.mutable_data<T>();
        const std::int64_t image = shape.product(1, 4), region = output.product(1, 4);
        parallel_for(static_cast<std::size_t>(output[0]), y.element_count() > (1 << 14) ? context.threads : 1, [&](int, std::size_t i) {
            const auto at = static_cast<std::int64_t>(i);
            const T* roi = rois.data<T>() + at * 5;
            const std::int64_t batch = checked_batch(context, static_cast<double>(roi[0]), shape[0]);
            pool_region(a, shape, x.data<T>() + batch * image, roi, to + at * region);
        });
    });
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "MaxRoiPool", widened<max_roi_pool>},
    {"", "RoiAlign", widened<roi_align>},
};
// clang-format on

}  // namespace

std::span<const KernelRow> roi_kernels() { return kRows; }

}  // namespace mcompress::reference
