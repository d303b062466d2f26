#include "engine/peak.h"

#include <algorithm>
#include <chrono>

#include "engine/onednn/primitives.h"
#include "engine/onednn/quantized_product.h"
#include "engine/onednn/thread_scope.h"

namespace mcompress {

namespace {

using dnnl::memory;

double product_rate(const dnnl::engine& engine, memory::data_type a, memory::data_type b, memory::data_type c) {
    constexpr std::int64_t kRows = 512, kInner = 512, kColumns = 512;
    using Clock = std::chrono::steady_clock;
    onednn::ProductSpec spec;
    spec.source = onednn::plain_desc(Shape{kRows, kInner}, a);
    spec.weights = onednn::any_desc(Shape{kInner, kColumns}, b);
    spec.destination = onednn::plain_desc(Shape{kRows, kColumns}, c);
    const onednn::Primitive primitive = onednn::make_matmul(engine, spec);
    dnnl::stream stream(engine);
    const auto allocate = [&](const onednn::Desc& desc) { return memory(desc, engine); };
    const std::unordered_map<int, memory> arguments{{DNNL_ARG_SRC, allocate(spec.source)},
                                                    {DNNL_ARG_WEIGHTS, allocate(primitive.weights)},
                                                    {DNNL_ARG_DST, allocate(spec.destination)},
                                                    {DNNL_ARG_SCRATCHPAD, allocate(primitive.scratchpad)}};
    double best = 0.0;
    for (const auto end = Clock::now() + std::chrono::milliseconds(40); Clock::now() < end;) {
        const auto begin = Clock::now();
        primitive.primitive.execute(stream, arguments);
        stream.wait();
        const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        best = std::max(best, 2e-9 * static_cast<double>(kRows * kInner * kColumns) / seconds);
    }
    return best;
}

}  // namespace

PeakRates measure_peak(int threads) {
    const onednn::ThreadScope scope(threads);
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    PeakRates rates;
    rates.f32 = product_rate(engine, memory::data_type::f32, memory::data_type::f32, memory::data_type::f32);
    if (onednn::has_byte_products())
        rates.int8 = product_rate(engine, memory::data_type::u8, memory::data_type::s8, memory::data_type::s32);
    return rates;
}

}  // namespace mcompress
