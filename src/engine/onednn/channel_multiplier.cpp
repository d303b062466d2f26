#include "engine/onednn/channel_multiplier.h"

#include <cstring>

#include "engine/onednn/on_threads.h"

namespace mcompress::onednn {

namespace {

template <typename Element> void repeat(const std::byte* from, std::byte* to, std::int64_t begin, std::int64_t end, std::int64_t times) {
    const auto* source = reinterpret_cast<const Element*>(from);
    auto* destination = reinterpret_cast<Element*>(to) + begin * times;
    for (std::int64_t at = begin; at < end; ++at)
        for (std::int64_t copy = 0; copy < times; ++copy) *destination++ = source[at];
}

void repeat(std::size_t size, const std::byte* from, std::byte* to, std::int64_t begin, std::int64_t end, std::int64_t times) {
    if (size == 1) repeat<std::uint8_t>(from, to, begin, end, times);
    else if (size == 2) repeat<std::uint16_t>(from, to, begin, end, times);
    else repeat<std::uint32_t>(from, to, begin, end, times);
}

}  // namespace

BufferId repeated_channels(PlanBuilder& builder, const Value* source, dnnl::memory::data_type type, std::int64_t times) {
    const Shape shape = builder.shape(source);
    const BufferId from = builder.form(source, channels_last_desc(shape, type));
    const BufferId to = builder.temporary(channels_last_desc(with_channels(shape, shape[1] * times), type));
    const std::int64_t elements = shape.element_count();
    builder.add_native({"Repeat", "", 0}, "plain:repeat",
                       [elements, times, size = dnnl::memory::data_type_size(type)](std::span<std::byte* const> at, int threads) {
                           on_ranges(elements, elements * times, threads,
                                     [&](std::int64_t begin, std::int64_t end) { repeat(size, at[0], at[1], begin, end, times); });
                       },
                       {from, to});
    return to;
}

}  // namespace mcompress::onednn
