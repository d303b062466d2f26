#include "passes/compress/compact.h"

#include <algorithm>

#include "passes/compress/channel_reads.h"
#include "passes/compress/remove_channels.h"
#include "passes/constant_values.h"
#include "passes/fuse/linear_node.h"
#include "passes/rewriter.h"
#include "support/error.h"

namespace mcompress {

namespace {

/// What removed channels added to a MatMul's columns is added behind it. The sums are in the order before the removal; the caller slices them with it.
void add_behind(Graph& graph, Node& product, const std::vector<double>& added) {
    Value* result = product.output(0);
    const DType dtype = known_tensor(product.input(1))->dtype();
    Value* sums =
        graph.add_constant(result->name() + "_constant", tensor_of_doubles(dtype, Shape{static_cast<std::int64_t>(added.size())}, added));
    Node* sum = graph.add_node({.op_type = "Add", .inputs = {result, sums}});
    graph.set_type(sum->output(0), result->type());
    graph.replace_all_uses(result, sum->output(0));
    graph.set_input(sum, 0, result);
}

void add_to_bias(Node& product, const std::vector<double>& added) {
    const std::string why = absorb(product, {std::vector<double>(added.size(), 1.0), added});
    if (!why.empty()) fail(codes::kNotFinite, "the bias of '{}' cannot take in its constant channels: {}", product.display_name(), why);
}

class Compact final : public Pass {
public:
    explicit Compact(Evaluator evaluator) : evaluator_(std::move(evaluator)) {}
    std::string_view name() const override { return "compact"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        const ChannelUnits units = find_channel_units(graph);
        const KnownChannelTable known = find_known_channels(graph, evaluator_);
        DeadUnits dead = find_dead_units(graph, units, known, evaluator_);
        result.skipped = std::move(dead.kept);
        result.rewrites = static_cast<int>(std::count(dead.removed.begin(), dead.removed.end(), true));
        if (result.rewrites > 0) remove(graph, units, dead);
        return result;
    }

private:
    /// Biases grow before anything is removed: channels still have their old places. A new bias would be no operand that `units` knows.
    static void remove(Graph& graph, const ChannelUnits& units, const DeadUnits& dead) {
        std::vector<std::pair<Node*, std::vector<double>>> late;
        for (const FoldedRead& read : dead.folded) {
            const bool has_bias = !read.product->is("MatMul") && read.product->input(2);
            std::vector<double> added = read.added;
            if (has_bias) {
                add_to_bias(*read.product, added);
                continue;
            }
            const int axis = read.product->is("MatMul") ? read.product->output(0)->type().rank() - 1 : 1;
            const std::vector<int> outputs = units.units_of(ChannelRelations::at(units.relations.out(*read.product, 0), axis));
            std::vector<double> kept;
            for (std::size_t at = 0; at < added.size(); ++at)
                if (outputs[at] < 0 || !dead.removed[static_cast<std::size_t>(outputs[at])]) kept.push_back(added[at]);
            late.emplace_back(read.product, std::move(kept));
        }
        remove_channels(graph, units, dead.removed);
        for (auto& [product, added] : late) {
            if (product->is("MatMul")) {
                add_behind(graph, *product, added);
                continue;
            }
            add_to_bias(*product, added);
        }
    }

    Evaluator evaluator_;
};

}  // namespace

std::unique_ptr<Pass> make_compact(Evaluator evaluator) { return std::make_unique<Compact>(std::move(evaluator)); }

}  // namespace mcompress
