#include "engine/onednn/routines.h"

#include <algorithm>
#include <exception>

#include "engine/onednn/on_threads.h"
#include "engine/onednn/quantized_product.h"
#include "engine/onednn/thread_scope.h"

namespace mcompress::onednn {

namespace {

constexpr std::size_t kMostSoftmaxes = 64;  // of different sizes; steps of generated text have a few

void check(dnnl_status_t status, const char* what) { dnnl::error::wrap_c_api(status, what); }

char turned(MatrixOrder order) { return order == MatrixOrder::Transposed ? 'T' : 'N'; }

/// Codes as signed bytes, 128 less where they are not.
std::vector<std::int8_t> signed_codes(const CodeMatrix& matrix, std::int64_t rows, std::int64_t columns) {
    std::vector<std::int8_t> codes(static_cast<std::size_t>(rows * columns));
    const auto* from = reinterpret_cast<const std::uint8_t*>(matrix.data);
    for (std::int64_t row = 0; row < rows; ++row)
        std::transform(from + row * matrix.step, from + row * matrix.step + columns, codes.begin() + row * columns,
                       [](std::uint8_t code) { return static_cast<std::int8_t>(code ^ 0x80U); });
    return codes;
}

}  // namespace

void OneDnnRoutines::multiply(const ProductSizes& sizes, const FloatMatrix& a, const FloatMatrix& b, float factor, float* to,
                              std::int64_t step, int threads) const {
    if (sizes.rows == 0 || sizes.columns == 0) return;
    if (sizes.inner == 0) {
        for (std::int64_t row = 0; row < sizes.rows; ++row) std::fill_n(to + row * step, sizes.columns, 0.0F);
        return;
    }
    const ThreadScope scope(threads);
    check(dnnl_sgemm(turned(a.order), turned(b.order), sizes.rows, sizes.columns, sizes.inner, factor, a.data, a.step, b.data, b.step, 0.0F,
                     to, step),
          "could not multiply matrices");
}

bool OneDnnRoutines::multiply(const ProductSizes& sizes, const CodeMatrix& a, const CodeMatrix& b, std::int32_t* to, int threads) const {
    if (!has_byte_products()) return false;
    if (sizes.rows == 0 || sizes.columns == 0) return true;
    if (sizes.inner == 0) {
        std::fill_n(to, sizes.rows * sizes.columns, 0);
        return true;
    }
    std::vector<std::int8_t> copy;
    const auto* right = reinterpret_cast<const std::int8_t*>(b.data);
    std::int64_t right_step = b.step;
    std::int32_t right_zero = b.zero_point;
    if (b.dtype == DType::UInt8) {
        copy = signed_codes(b, sizes.inner, sizes.columns);
        right = copy.data();
        right_step = sizes.columns;
        right_zero -= 128;
    }
    const ThreadScope scope(threads);
    const std::int32_t none = 0;
    const auto zero = static_cast<std::int8_t>(right_zero);
    if (a.dtype == DType::UInt8)
        check(dnnl_gemm_u8s8s32('N', 'N', 'F', sizes.rows, sizes.columns, sizes.inner, 1.0F, reinterpret_cast<const std::uint8_t*>(a.data),
                                a.step, static_cast<std::uint8_t>(a.zero_point), right, right_step, zero, 0.0F, to, sizes.columns, &none),
              "could not multiply codes");
    else
        check(dnnl_gemm_s8s8s32('N', 'N', 'F', sizes.rows, sizes.columns, sizes.inner, 1.0F, reinterpret_cast<const std::int8_t*>(a.data),
                                a.step, static_cast<std::int8_t>(a.zero_point), right, right_step, zero, 0.0F, to, sizes.columns, &none),
              "could not multiply codes");
    return true;
}

void OneDnnRoutines::for_each(std::int64_t count, int threads, const std::function<void(std::int64_t index)>& body) const {
    const auto workers = static_cast<int>(std::clamp<std::int64_t>(threads, 1, std::max<std::int64_t>(count, 1)));
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(workers));  // none may leave OpenMP's threads
    on_threads(workers, [&](int worker) {
        try {
            for (std::int64_t index = worker; index < count; index += workers) body(index);
        } catch (...) {
            failures[static_cast<std::size_t>(worker)] = std::current_exception();
        }
    });
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

Primitive OneDnnRoutines::softmax_for(const Key& key) const {
    const std::lock_guard lock(mutex_);
    if (const auto found = softmaxes_.find(key); found != softmaxes_.end()) return found->second;
    if (softmaxes_.size() >= kMostSoftmaxes) softmaxes_.clear();
    const Desc layout = plain_desc(Shape{key.first, key.second}, dnnl::memory::data_type::f32);
    return softmaxes_.emplace(key, make_softmax(engine_, SoftmaxKind::Plain, layout, 1)).first->second;
}

void OneDnnRoutines::softmax(std::int64_t rows, std::int64_t columns, float* values, int threads) const {
    if (rows == 0 || columns == 0) return;
    const ThreadScope scope(threads);
    const Primitive primitive = softmax_for({rows, columns});
    const dnnl::memory memory(primitive.source, engine_, values);
    execute_once(engine_, primitive, {{DNNL_ARG_SRC, memory}, {DNNL_ARG_DST, memory}});
}

}  // namespace mcompress::onednn
