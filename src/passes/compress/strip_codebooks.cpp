#include "passes/compress/strip_codebooks.h"

#include <cstring>

#include "ops/attributes.h"
#include "passes/codebook.h"
#include "passes/rewriter.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

/// The numbers that the codes stand for; nothing when a code lies outside of the codebook.
std::optional<Tensor> look_up(const Codebook& book) {
    const std::int64_t count = book.levels->element_count();
    const auto size = static_cast<std::size_t>(dtype_bits(book.levels->dtype()) / 8);
    Tensor result = Tensor::uninitialized(book.levels->dtype(), book.codes->shape());
    std::byte* to = result.mutable_bytes();
    const std::byte* levels = book.levels->bytes();
    // Every code of the narrow types that codebooks have is a float exactly; of int32 beside double those below 2^24, and longer codebooks are not looked into.
    if (count > (std::int64_t{1} << 24)) return std::nullopt;
    for (const float code : to_floats(*book.codes)) {
        const auto index = static_cast<std::int64_t>(code) + (code < 0.0F ? count : 0);
        if (index < 0 || index >= count) return std::nullopt;
        std::memcpy(to, levels + static_cast<std::size_t>(index) * size, size);
        to += size;
    }
    return result;
}

class StripCodebooks final : public Pass {
public:
    std::string_view name() const override { return "strip-codebooks"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            const auto book = match_codebook(node);
            if (!book) return;
            Value* const value = node.output(0);
            if (value->is_graph_output()) {
                result.skipped.push_back(skip(node, "its value is constant, but a constant cannot be a graph output"));
                return;
            }
            auto numbers = look_up(*book);
            if (!numbers) {
                result.skipped.push_back(skip(node, "a code lies outside of the codebook"));
                return;
            }
            Graph& home = node.graph();
            const std::string name = value->name();
            Value* const constant = home.add_constant(name, std::move(*numbers));
            home.replace_all_uses(value, constant);
            home.erase(&node);
            home.rename(constant, name);
            ++result.rewrites;
        });
        return result;
    }
};

}  // namespace

std::unique_ptr<Pass> make_strip_codebooks() { return std::make_unique<StripCodebooks>(); }

}  // namespace mcompress
