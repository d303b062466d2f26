// Matrix products and softmax for plain kernels, by oneDNN.
#pragma once

#include <map>
#include <mutex>

#include "engine/onednn/primitives.h"
#include "engine/reference/routines.h"

namespace mcompress::onednn {

/// May be used from several threads at a time.
class OneDnnRoutines : public Routines {
public:
    explicit OneDnnRoutines(dnnl::engine engine) : engine_(std::move(engine)) {}
    void multiply(const ProductSizes& sizes, const FloatMatrix& a, const FloatMatrix& b, float factor, float* to, std::int64_t step,
                  int threads) const override;
    bool multiply(const ProductSizes& sizes, const CodeMatrix& a, const CodeMatrix& b, std::int32_t* to, int threads) const override;
    void for_each(std::int64_t count, int threads, const std::function<void(std::int64_t index)>& body) const override;
    void softmax(std::int64_t rows, std::int64_t columns, float* values, int threads) const override;

private:
    using Key = std::pair<std::int64_t, std::int64_t>;
    Primitive softmax_for(const Key& key) const;

    dnnl::engine engine_;
    mutable std::mutex mutex_;
    mutable std::map<Key, Primitive> softmaxes_;  // by rows and columns
};

}  // namespace mcompress::onednn
