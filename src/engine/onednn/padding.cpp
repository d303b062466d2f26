// Pad of pictures whose channels lie last, as convolutions leave them: in row-major order they would be turned, and turned back for what follows.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/onednn/on_threads.h"
#include "engine/onednn/operators.h"
#include "engine/reference/repeated_position.h"
#include "ops/attributes.h"
#include "ops/shape.h"

namespace mcompress::onednn {

namespace {

/// Lines and columns around pictures [batch, height, width, channels].
struct Frame {
    PadAttrs::Mode mode;
    std::int64_t batch, height, width;
    PadAttrs::Amount lines, columns;
    std::size_t point_bytes;  // of all channels
    float value;              // in float32; 0 has no bits in any type

    std::int64_t out_height() const { return lines.begin + height + lines.end; }
    std::int64_t out_width() const { return columns.begin + width + columns.end; }

    void fill(std::byte*& to, std::int64_t points) const {
        const std::size_t bytes = static_cast<std::size_t>(points) * point_bytes;
        if (value == 0.0F && !std::signbit(value)) std::memset(to, 0, bytes);
        else std::fill_n(reinterpret_cast<float*>(to), bytes / sizeof(float), value);
        to += bytes;
    }

    void add_columns(const std::byte* line, std::byte*& to, std::int64_t first, std::int64_t last) const {
        if (mode == PadAttrs::Mode::Constant) return fill(to, last - first);
        for (std::int64_t x = first; x < last; ++x, to += point_bytes)
            std::memcpy(to, line + static_cast<std::size_t>(reference::repeated_position(mode, x, width)) * point_bytes, point_bytes);
    }

    /// Lines of all results one after the other.
    void run(const std::byte* from, std::byte* to, std::int64_t first, std::int64_t last) const {
        const std::size_t line_bytes = static_cast<std::size_t>(width) * point_bytes;
        to += static_cast<std::size_t>(first * out_width()) * point_bytes;
        for (std::int64_t at = first; at < last; ++at) {
            const std::int64_t sample = at / out_height(), place = at % out_height() - lines.begin;
            if (mode == PadAttrs::Mode::Constant && (place < 0 || place >= height)) {
                fill(to, out_width());
                continue;
            }
            const std::int64_t y = reference::repeated_position(mode, place, height);
            const std::byte* line = from + static_cast<std::size_t>(sample * height + y) * line_bytes;
            add_columns(line, to, -columns.begin, 0);
            std::memcpy(to, line, line_bytes);
            to += line_bytes;
            add_columns(line, to, width, width + columns.end);
        }
    }
};

std::optional<std::vector<std::int64_t>> known_integers(const PlanBuilder& builder, const Node& node, const IntegersSource& source) {
    if (source.values || source.input < 0) return source.values;
    const Tensor* tensor = builder.known(node.input(source.input));
    return tensor ? integers_of(*tensor) : std::nullopt;
}

/// Nothing for what the plain kernel is left: crops, amounts known only at run time, samples or channels added.
std::optional<Frame> describe(const PlanBuilder& builder, const Node& node, const Desc& layout) {
    const auto pad = attrs<PadAttrs>(node);
    const auto amounts_given = known_integers(builder, node, pad.pads), axes = known_integers(builder, node, pad.axes);
    if (!amounts_given || (!pad.axes.is_absent() && !axes)) return std::nullopt;
    const auto amounts = PadAttrs::resolve(4, *amounts_given, axes);
    if (amounts[0] != PadAttrs::Amount{} || amounts[1] != PadAttrs::Amount{}) return std::nullopt;
    if (std::ranges::any_of(amounts, [](const PadAttrs::Amount& amount) { return amount.begin < 0 || amount.end < 0; }))
        return std::nullopt;
    std::optional<double> value = pad.value.value;
    if (!pad.value.is_settled()) {
        const Tensor* tensor = builder.known(node.input(pad.value.input));
        value = tensor ? scalar_of(*tensor) : std::nullopt;
        if (!value) return std::nullopt;
    }
    const auto fill = static_cast<float>(value.value_or(0.0));
    if ((fill != 0.0F || std::signbit(fill)) && element_type(layout) != dnnl::memory::data_type::f32) return std::nullopt;
    const Shape shape = shape_of(layout);
    const std::size_t point_bytes = static_cast<std::size_t>(shape[1]) * dnnl::memory::data_type_size(element_type(layout));
    return Frame{pad.mode, shape[0], shape[2], shape[3], amounts[2], amounts[3], point_bytes, fill};
}

}  // namespace

Built build_pad(PlanBuilder& builder, const Node& node) {
    if (!builder.is_dense(node.input(0), DType::Float32) || !builder.is_dense(node.output(0), DType::Float32)) return Built::No;
    const Shape shape = builder.shape(node.input(0));
    if (shape.rank() != 4 || shape.element_count() == 0) return Built::No;
    const BufferId source = builder.any_form(node.input(0));
    const Desc layout = builder.desc(source);
    if (is_row_major(layout) || layout != channels_last_desc(shape, element_type(layout))) return Built::No;
    const auto frame = describe(builder, node, layout);
    if (!frame) return Built::No;
    const BufferId result = builder.result(node.output(0), channels_last_desc(builder.shape(node.output(0)), element_type(layout)));
    const auto run = [frame = *frame](std::span<std::byte* const> at, int threads) {
        const std::int64_t lines = frame.batch * frame.out_height();
        on_ranges(lines, lines * frame.out_width() * static_cast<std::int64_t>(frame.point_bytes / sizeof(float)), threads,
                  [&](std::int64_t begin, std::int64_t end) { frame.run(at[0], at[1], begin, end); });
    };
    builder.add_native({"Pad", "f32", 0}, "native:pad", run, {source, result});
    return Built::Yes;
}

}  // namespace mcompress::onednn
