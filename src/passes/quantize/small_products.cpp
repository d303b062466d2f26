#include "passes/quantize/small_products.h"

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "support/format.h"

namespace mcompress {

namespace {

constexpr std::int64_t kColumns = 32, kElements = 4096;

}  // namespace

void leave_small_products(const Graph& graph, QuantizationScheme& scheme) {
    for_each_graph(const_cast<Graph&>(graph), [&](Graph& each) {
        for (const Node* node : each.nodes()) {
            if (!node->is("MatMul") && !node->is("Gemm")) continue;
            const Tensor* weight = known_tensor(node->input(1));
            if (!weight || weight->shape().rank() != 2) continue;
            const bool is_transposed = node->is("Gemm") && attrs<GemmAttrs>(*node).b == MatrixOrder::Transposed;
            const std::int64_t columns = weight->shape()[is_transposed ? 0 : 1];
            if (columns >= kColumns || weight->element_count() >= kElements) continue;
            scheme.keep_float.emplace(node->display_name(),
                                      format("it has {} columns: quantizing its input would cost the time that codes save", columns));
        }
    });
}

}  // namespace mcompress
