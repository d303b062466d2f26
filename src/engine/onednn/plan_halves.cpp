// Half-precision values in a plan: computed with as float32, rounded after every step, stored in their own type where tensors go in and out.
#include <algorithm>

#include "engine/onednn/half_kernels.h"
#include "engine/onednn/on_threads.h"
#include "engine/onednn/plan_builder.h"
#include "ops/op_info.h"

namespace mcompress::onednn {

namespace {

/// Results that are numbers that went in, or these without their sign: rounding them again would change nothing.
bool keeps_numbers(const Node& node) {
    constexpr std::string_view kNames[] = {"Relu", "Max", "Min", "Clip", "Neg", "Abs", "Dropout"};
    const OpInfo* info = op_info(node);
    return (info && info->data_flow == DataFlow::Selects) ||
           std::find(std::begin(kNames), std::end(kNames), node.op_type()) != std::end(kNames);
}

}  // namespace

dnnl::memory::data_type PlanBuilder::half_type(const Value* value) const {
    return values_.stored_dtype(value) == DType::Float16 ? dnnl::memory::data_type::f16 : dnnl::memory::data_type::bf16;
}

BufferId PlanBuilder::widened(const Value* value, const Shape& shape) {
    const BufferId from = slot_buffer(slot_of(value), shape, half_type(value)),
                   to = temporary(plain_desc(shape, dnnl::memory::data_type::f32));
    const auto run = [half = values_.stored_dtype(value), count = shape.element_count()](std::span<std::byte* const> at, int threads) {
        on_ranges(count, count, threads, [&](std::int64_t begin, std::int64_t end) {
            widen(half, at[0] + begin * 2, end - begin, reinterpret_cast<float*>(at[1]) + begin);
        });
    };
    add_native({"Reorder", "", 0}, "native:widen", run, {from, to});
    return to;
}

void PlanBuilder::add_narrowing(const Value* value, BufferId to) {
    const Shape shape = this->shape(value);
    const BufferId from = form(value, plain_desc(shape, dnnl::memory::data_type::f32));
    const auto run = [half = values_.stored_dtype(value), count = shape.element_count()](std::span<std::byte* const> at, int threads) {
        on_ranges(count, count, threads, [&](std::int64_t begin, std::int64_t end) {
            narrow(half, reinterpret_cast<const float*>(at[0]) + begin, end - begin, at[1] + begin * 2);
        });
    };
    add_native({"Reorder", "", 0}, "native:narrow", run, {from, to});
}

void PlanBuilder::round_result(const Node& node) {
    if (current_.size() == 1 && keeps_numbers(node)) return;
    for (const Value* value : node.outputs()) {
        if (!value || !values_.is_half(value) || aliases_.contains(value) || origins_.contains(value)) continue;
        const auto found = forms_.find(value);
        if (found == forms_.end()) continue;
        const BufferId buffer = found->second.front();
        if (element_type(desc(buffer)) != dnnl::memory::data_type::f32) continue;  // --compute bf16: coarser than any of them
        const auto count = static_cast<std::int64_t>(desc(buffer).get_size() / sizeof(float));
        const auto run = [half = values_.stored_dtype(value), count](std::span<std::byte* const> at, int threads) {
            on_ranges(count, count, threads,
                      [&](std::int64_t begin, std::int64_t end) { round_to(half, reinterpret_cast<float*>(at[0]) + begin, end - begin); });
        };
        add_native({"Round", "", 0}, "native:round", run, {buffer});
    }
}

}  // namespace mcompress::onednn
