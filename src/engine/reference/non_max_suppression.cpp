// NonMaxSuppression: boxes in the order of their scores, without those that overlap one already taken.
#include <algorithm>

#include "engine/reference/dispatch.h"
#include "engine/reference/kernel_families.h"
#include "ops/vision.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress::reference {

namespace {

using Boxes = NonMaxSuppressionAttrs::Boxes;

struct Box {
    float left, top, right, bottom;
    float area() const { return (right - left) * (bottom - top); }
};

Box read_box(Boxes form, const float* box) {
    if (form == Boxes::Centers) return {box[0] - box[2] / 2.0f, box[1] - box[3] / 2.0f, box[0] + box[2] / 2.0f, box[1] + box[3] / 2.0f};
    return {std::min(box[1], box[3]), std::min(box[0], box[2]), std::max(box[1], box[3]), std::max(box[0], box[2])};
}

/// Whether intersection over union exceeds the threshold; boxes without area overlap nothing.
bool overlaps(const Box& a, const Box& b, float threshold) {
    const float width = std::min(a.right, b.right) - std::max(a.left, b.left);
    const float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top);
    if (!(width > 0.0f) || !(height > 0.0f)) return false;
    const float common = width * height, all = a.area() + b.area() - common;
    if (!(common > 0.0f) || !(a.area() > 0.0f) || !(b.area() > 0.0f) || !(all > 0.0f)) return false;
    return common / all > threshold;
}

struct Thresholds {
    std::int64_t most = 0;  // boxes a class
    float overlap = 0.0f;
    const float* score = nullptr;  // null: no score is too low
};

/// Indices of the boxes of one class, best first; of equal scores the lower index. A score that is no number is never taken.
std::vector<std::int64_t> select(Boxes form, const float* boxes, const float* scores, std::int64_t count, const Thresholds& limits) {
    std::vector<std::int64_t> order, taken;
    for (std::int64_t i = 0; i < count; ++i)
        if (limits.score ? scores[i] > *limits.score : scores[i] == scores[i]) order.push_back(i);
    std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) { return scores[i] > scores[j]; });
    std::vector<Box> kept;
    for (const std::int64_t index : order) {
        if (static_cast<std::int64_t>(taken.size()) >= limits.most) break;
        const Box box = read_box(form, boxes + 4 * index);
        if (std::any_of(kept.begin(), kept.end(), [&](const Box& other) { return overlaps(box, other, limits.overlap); })) continue;
        kept.push_back(box);
        taken.push_back(index);
    }
    return taken;
}

const float* optional_number(const KernelContext& context, int index) {
    if (!context.has_input(index)) return nullptr;
    const Tensor& tensor = context.input(index);
    if (tensor.dtype() != DType::Float32) context.reject_dtype(tensor.dtype());
    if (tensor.element_count() != 1) context.reject(format("expected one number, found shape {}", tensor.shape().to_string()));
    return tensor.data<float>();
}

void non_max_suppression(const KernelContext& context) {
    const auto a = attrs<NonMaxSuppressionAttrs>(context.node);
    const Tensor &boxes = context.required(0), &scores = context.required(1);
    for (const Tensor* tensor : {&boxes, &scores})
        if (tensor->dtype() != DType::Float32) context.reject_dtype(tensor->dtype());
    const Shape &of_boxes = boxes.shape(), &of_scores = scores.shape();
    if (of_boxes.rank() != 3 || of_scores.rank() != 3 || of_boxes[2] != 4 || of_boxes[0] != of_scores[0] || of_boxes[1] != of_scores[2])
        context.reject(format("scores of shape {} do not fit boxes of shape {}", of_scores.to_string(), of_boxes.to_string()));
    Thresholds limits;
    if (context.has_input(2)) limits.most = integer(context, context.input(2));
    if (const float* overlap = optional_number(context, 3)) limits.overlap = *overlap;
    limits.score = optional_number(context, 4);
    if (!(limits.overlap >= 0.0f && limits.overlap <= 1.0f)) context.reject(format("the overlap threshold is {}", limits.overlap));
    if (of_scores.element_count() == 0) return context.set_output(0, Tensor(DType::Int64, Shape{0, 3}));
    const std::int64_t classes = of_scores[1], count = of_boxes[1];
    std::vector<std::vector<std::int64_t>> selected(static_cast<std::size_t>(of_boxes[0] * classes));
    parallel_for(selected.size(), of_scores.element_count() > (1 << 12) ? context.threads : 1, [&](int, std::size_t i) {
        const auto at = static_cast<std::int64_t>(i);
        selected[i] = select(a.boxes, boxes.data<float>() + at / classes * count * 4, scores.data<float>() + at * count, count, limits);
    });
    std::vector<std::int64_t> rows;
    for (std::size_t i = 0; i < selected.size(); ++i)
        for (const std::int64_t box : selected[i])
            rows.insert(rows.end(), {static_cast<std::int64_t>(i) / classes, static_cast<std::int64_t>(i) % classes, box});
    context.set_output(0, Tensor::from_values(Shape{static_cast<std::int64_t>(rows.size() / 3), 3}, rows));
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "NonMaxSuppression", non_max_suppression},
};
// clang-format on

}  // namespace

std::span<const KernelRow> non_max_suppression_kernels() { return kRows; }

}  // namespace mcompress::reference
