// What an engine computes by its own means for plain kernels: matrix products and softmax. Kernels that are given none compute them themselves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "ops/matmul.h"
#include "tensor/dtype.h"

namespace mcompress {

struct ProductSizes {
    std::int64_t rows, inner, columns;
};

/// A matrix, or what is one when it is transposed: its stored rows begin `step` elements apart, and their elements are neighbours.
struct FloatMatrix {
    const float* data;
    std::int64_t step;
    MatrixOrder order = MatrixOrder::AsStored;
};

/// The same of UInt8 or Int8 codes, as they are stored.
struct CodeMatrix {
    const std::byte* data;
    DType dtype;
    std::int32_t zero_point;
    std::int64_t step;
};

class Routines {
public:
    virtual ~Routines() = default;
    /// to[i * step + j] = factor * sum over k of a(i, k) b(k, j), on `threads` threads.
    virtual void multiply(const ProductSizes& sizes, const FloatMatrix& a, const FloatMatrix& b, float factor, float* to, std::int64_t step,
                          int threads) const = 0;
    /// to[i * columns + j] = sum over k of (a(i, k) - its zero point) (b(k, j) - its zero point), exactly. False: the processor cannot.
    virtual bool multiply(const ProductSizes& sizes, const CodeMatrix& a, const CodeMatrix& b, std::int32_t* to, int threads) const = 0;
    /// Calls body(index) for indices 0 to count - 1 on the threads that the engine's primitives run on: others would share the processors with them while they
    /// still look for work. Throws what a body threw.
    virtual void for_each(std::int64_t count, int threads, const std::function<void(std::int64_t index)>& body) const = 0;
    /// Each of `rows` neighbouring rows becomes its softmax. None may be minus infinity throughout.
    virtual void softmax(std::int64_t rows, std::int64_t columns, float* values, int threads) const = 0;
};

}  // namespace mcompress
