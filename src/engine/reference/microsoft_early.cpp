// com.microsoft: operators that ONNX Runtime had before the standard did, and a few that the standard never got.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "engine/reference/delegate.h"
#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/microsoft.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

/// The step is optional: 1.
void range(const KernelContext& context) {
    std::vector<Tensor> inputs(context.inputs.begin(), context.inputs.end());
    inputs.resize(3);
    if (!inputs[2].defined())
        dispatch(TypeList<float, double, std::int16_t, std::int32_t, std::int64_t>{}, context, context.required(0).dtype(),
                 [&]<typename T>() { inputs[2] = Tensor::scalar(T{1}); });
    for (Tensor& input : inputs)
        if (input.element_count() == 1) input = input.reshaped(Shape{});
    context.set_output(0, run_standard(context, "Range", inputs)[0]);
}

void expand_dims(const KernelContext& context) {
    const Tensor& x = context.required(0);
    std::vector<std::int64_t> dims = x.shape().dims();
    dims.insert(dims.begin() + checked_axis(context, integer(context, context.required(1)), x.shape().rank() + 1), 1);
    context.set_output(0, x.reshaped(Shape(std::move(dims))));
}

/// Distinct elements in the order in which they appear, where each element is among them, how often each occurs.
void unique(const KernelContext& context) {
    const Tensor& x = context.required(0);
    if (x.shape().rank() != 1) context.reject(format("expected a vector, found {}", x.shape().to_string()));
    dispatch(Numbers{}, context, x.dtype(), [&]<typename T>() {
        std::unordered_map<T, std::int64_t> places;
        std::vector<T> values;
        std::vector<std::int64_t> indices, counts;
        for (const T value : x.values<T>()) {
            const auto [place, is_new] = places.emplace(value, static_cast<std::int64_t>(values.size()));
            if (is_new) values.push_back(value), counts.push_back(0);
            ++counts[static_cast<std::size_t>(place->second)];
            indices.push_back(place->second);
        }
        const Shape shape{static_cast<std::int64_t>(values.size())};
        context.set_output(0, Tensor::from_values(shape, values));
        if (context.outputs.size() > 1) context.set_output(1, Tensor::from_values(x.shape(), indices));
        if (context.outputs.size() > 2) context.set_output(2, Tensor::from_values(shape, counts));
    });
}

/// Gauss-Jordan elimination with row pivots on [matrix | identity].
std::vector<double> inverse_of(const KernelContext& context, std::vector<double> matrix, std::int64_t n) {
    std::vector<double> inverse(matrix.size(), 0.0);
    const auto at = [n](std::int64_t row, std::int64_t column) { return static_cast<std::size_t>(row * n + column); };
    for (std::int64_t i = 0; i < n; ++i) inverse[at(i, i)] = 1.0;
    for (std::int64_t column = 0; column < n; ++column) {
        std::int64_t pivot = column;
        for (std::int64_t row = column + 1; row < n; ++row)
            if (std::abs(matrix[at(row, column)]) > std::abs(matrix[at(pivot, column)])) pivot = row;
        if (!(std::abs(matrix[at(pivot, column)]) > 0.0)) context.reject("a matrix has no inverse");
        for (std::int64_t i = 0; i < n && pivot != column; ++i) {
            std::swap(matrix[at(pivot, i)], matrix[at(column, i)]);
            std::swap(inverse[at(pivot, i)], inverse[at(column, i)]);
        }
        const double factor = 1.0 / matrix[at(column, column)];
        for (std::int64_t i = 0; i < n; ++i) matrix[at(column, i)] *= factor, inverse[at(column, i)] *= factor;
        for (std::int64_t row = 0; row < n; ++row) {
            const double multiple = matrix[at(row, column)];
            if (row == column || multiple == 0.0) continue;
            for (std::int64_t i = 0; i < n; ++i) {
                matrix[at(row, i)] -= multiple * matrix[at(column, i)];
                inverse[at(row, i)] -= multiple * inverse[at(column, i)];
            }
        }
    }
    return inverse;
}

void inverse(const KernelContext& context) {
    const Tensor& x = context.required(0);
    const int rank = x.shape().rank();
    if (rank < 2 || x.shape()[rank - 1] != x.shape()[rank - 2])
        context.reject(format("{} holds no square matrices", x.shape().to_string()));
    const std::int64_t n = x.shape()[rank - 1];
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), x.shape()).template mutable_data<T>();
        for (std::int64_t first = 0; n > 0 && first < x.element_count(); first += n * n) {
            const T* from = x.data<T>() + first;
            const std::vector<double> result = inverse_of(context, std::vector<double>(from, from + n * n), n);
            std::transform(result.begin(), result.end(), to + first, [](double value) { return static_cast<T>(value); });
        }
    });
}

/// Positions of a crop along one axis: corners of the box fall on the first and last of them.
double crop_position(double begin, double end, std::int64_t extent, std::int64_t crop, std::int64_t index) {
    const double last = static_cast<double>(extent - 1);
    if (crop == 1) return 0.5 * (begin + end) * last;
    return begin * last + static_cast<double>(index) * (end - begin) * last / static_cast<double>(crop - 1);
}

template <typename T> double sampled(const T* plane, std::int64_t width, double y, double x, CropAndResizeAttrs::Mode mode) {
    const auto pixel = [&](double row, double column) {
        return static_cast<double>(plane[static_cast<std::int64_t>(row) * width + static_cast<std::int64_t>(column)]);
    };
    if (mode == CropAndResizeAttrs::Mode::Nearest) return pixel(std::round(y), std::round(x));
    const double top = std::floor(y), left = std::floor(x), dy = y - top, dx = x - left;
    const double upper = pixel(top, left) + (pixel(top, std::ceil(x)) - pixel(top, left)) * dx;
    const double lower = pixel(std::ceil(y), left) + (pixel(std::ceil(y), std::ceil(x)) - pixel(std::ceil(y), left)) * dx;
    return upper + (lower - upper) * dy;
}

/// X [N, C, H, W], boxes [R, 4] as y1, x1, y2, x2 in [0, 1], an image index a box, the crop's height and width.
void crop_and_resize(const KernelContext& context) {
    const auto a = attrs<CropAndResizeAttrs>(context.node);
    const Tensor &x = context.required(0), &boxes = context.required(1);
    const std::vector<std::int64_t> images = integers(context, context.required(2)), size = integers(context, context.required(3));
    const std::int64_t count = static_cast<std::int64_t>(images.size());
    if (x.shape().rank() != 4 || boxes.shape() != Shape{count, 4} || boxes.dtype() != x.dtype())
        context.reject(format("{} boxes of shape {} on {}", count, boxes.shape().to_string(), x.shape().to_string()));
    if (size.size() != 2 || size[0] < 1 || size[1] < 1) context.reject("the crop size is not two positive numbers");
    const std::int64_t channels = x.shape()[1], height = x.shape()[2], width = x.shape()[3];
    dispatch(Floats{}, context, x.dtype(), [&]<typename T>() {
        T* to = context.make_output(0, x.dtype(), Shape{count, channels, size[0], size[1]}).template mutable_data<T>();
        for (std::int64_t box = 0; box < count; ++box) {
            const std::int64_t image = images[static_cast<std::size_t>(box)];
            if (image < 0 || image >= x.shape()[0]) context.reject(format("image {} is not in the batch", image));
            const T* corner = boxes.data<T>() + box * 4;
            for (std::int64_t c = 0; c < channels; ++c) {
                const T* plane = x.data<T>() + (image * channels + c) * height * width;
                for (std::int64_t i = 0; i < size[0]; ++i)
                    for (std::int64_t j = 0; j < size[1]; ++j) {
                        const double row =
                            crop_position(static_cast<double>(corner[0]), static_cast<double>(corner[2]), height, size[0], i);
                        const double column =
                            crop_position(static_cast<double>(corner[1]), static_cast<double>(corner[3]), width, size[1], j);
                        const bool inside = row >= 0.0 && row <= static_cast<double>(height - 1) && column >= 0.0 &&
                                            column <= static_cast<double>(width - 1);
                        *to++ = static_cast<T>(inside ? sampled(plane, width, row, column, a.mode)
                                                      : static_cast<double>(a.extrapolation_value));
                    }
            }
        }
    });
}

constexpr std::string_view kDomain = "com.microsoft";

// clang-format off
constexpr KernelRow kRows[] = {
    {kDomain, "CropAndResize", widened<crop_and_resize>},
    {kDomain, "ExpandDims", expand_dims},
    {kDomain, "GatherND", as_standard<"GatherND">},
    {kDomain, "GridSample", as_standard<"GridSample">},
    {kDomain, "Inverse", widened<inverse>},
    {kDomain, "Pad", as_standard<"Pad">},
    {kDomain, "Range", range},
    {kDomain, "Trilu", as_standard<"Trilu">},
    {kDomain, "Unique", unique},
};
// clang-format on

}  // namespace

std::span<const KernelRow> microsoft_early_kernels() { return kRows; }

}  // namespace mcompress::reference
