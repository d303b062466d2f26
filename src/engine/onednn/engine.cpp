// The oneDNN engine: graph → plan.
#include "engine/engine.h"

#include <algorithm>
#include <optional>

#include "engine/onednn/dynamic_operators.h"
#include "engine/onednn/operators.h"
#include "engine/onednn/plan.h"
#include "engine/onednn/planned_bodies.h"
#include "engine/onednn/quantized_product.h"
#include "engine/onednn/residual_sums.h"
#include "engine/onednn/thread_scope.h"
#include "engine/reference/program.h"
#include "support/error.h"

namespace mcompress {

namespace onednn {

namespace {

std::vector<Tensor> fold_node(const Node& node, std::span<const Tensor> inputs) {
    try {
        return evaluate_node(node, inputs);
    } catch (const Error& error) {
        // What cannot be computed ahead of time is left to the run, which says why.
        if (error.kind() == ErrorKind::Limit || std::string_view(error.code().id) == codes::kOperatorUnsupported.id) return {};
        throw;
    }
}

class Compiler {
public:
    Compiler(const Graph& graph, const CompileOptions& options, const BodyContext& body, std::shared_ptr<SharedConstants> constants)
        : options_(options),
          builder_(graph, options, propagate_values(graph, options.input_shapes, options.tapped, fold_node, body.given), body.outer,
                   std::move(constants)) {
        const auto is_kept = [&](const Value& value) { return builder_.is_kept(&value); };
        groups_ = find_quantized_groups(builder_.values(), is_kept);
        if (has_byte_products()) {
            dynamic_ = find_dynamic_products(builder_.values(), is_kept);
            sums_ = find_residual_sums(groups_, is_kept);
        }
        std::unordered_map<const Node*, std::vector<const Node*>> heads;
        for (const DynamicProduct& product : dynamic_) {
            heads.emplace(product.nodes.back(), product.nodes);
            for (const Node* node : product.nodes) dynamic_member_.emplace(node, &product);
        }
        chains_ = find_chains(
            builder_.values(), [&](const Node& node) { return role_of(node); }, heads, is_kept);
    }

    PlanData compile() {
        for (const Value* value : options_.tapped)
            if (!value->producer() || builder_.is_known(value)) builder_.add_tap(value);
        for (const Node* node : builder_.values().nodes) {
            if (node->is("mcompress", "Observe")) build_observer(*node);
            else if (chains_.inside.contains(node)) continue;
            else if (const auto chain = chains_.at_last.find(node); chain != chains_.at_last.end()) build_chain(*chain->second);
            else if (const auto group = groups_.at_last.find(node); group != groups_.at_last.end()) build_group_with_sum(*group->second);
            else if (groups_.member.contains(node)) continue;
            else if (node->is("DequantizeLinear") && is_absorbed(*node)) absorb(*node);
            else if (node->is("DynamicQuantizeLinear")) build_quantizer(*node);
            else build_node(*node);
        }
        return builder_.finish();
    }

private:
    void build_observer(const Node& node) {
        builder_.begin({&node});
        builder_.add_tap(node.input(0));
        if (node.output(0)) builder_.alias(node.output(0), node.input(0));
        builder_.end();
    }

    void build_node(const Node& node) {
        with_context([&] { return format("node '{}'", node.display_name()); },
                     [&] {
                         builder_.begin({&node});
                         const NodeBuilder build = find_node_builder(node);
                         if (!build || attempt([&] { return build(builder_, node); }) == Built::No) builder_.add_plain(node);
                         complete({&node});
                     });
    }

    /// A product of codes that gives floats goes on in a chain.
    ChainRole role_of(const Node& node) const {
        if (const auto product = dynamic_member_.find(&node); product != dynamic_member_.end())
            return product->second->nodes.back() == &node ? ChainRole::Codes : ChainRole::Taken;
        const auto group = groups_.member.find(&node);
        if (group == groups_.member.end()) return ChainRole::Float;
        return group->second->kind == QuantizedGroup::Kind::Product && !group->second->output_params ? ChainRole::Codes : ChainRole::Taken;
    }

    /// Every reader is a group that works on the codes.
    bool is_absorbed(const Node& node) const {
        const Value* real = node.output(0);
        return !builder_.is_kept(real) && std::all_of(real->uses().begin(), real->uses().end(), [&](const Use& use) {
            const auto group = groups_.member.find(use.node);
            if (group == groups_.member.end()) return false;
            const auto& absorbed = group->second->dequantizers;
            return std::find(absorbed.begin(), absorbed.end(), &node) != absorbed.end();
        });
    }

    void absorb(const Node& node) {
        builder_.begin({&node});
        builder_.derive(node.output(0), node.input(0));
        builder_.end();
    }

    /// A product that goes into a sum is built where the sum is.
    void build_group_with_sum(const QuantizedGroup& group) {
        if (sums_.products.contains(&group)) return;
        const auto sum = sums_.product_of.find(&group);
        if (sum == sums_.product_of.end()) return build_group_or_parts(group);
        const QuantizedGroup& product = *sum->second;
        std::vector<const Node*> nodes = product.nodes;
        nodes.insert(nodes.end(), group.nodes.begin(), group.nodes.end());
        builder_.begin(nodes);
        const Built built = with_context([&] { return format("node '{}'", product.nodes.front()->display_name()); },
                                         [&] { return attempt([&] { return build_residual_sum(builder_, product, group); }); });
        if (built == Built::Yes) return complete({product.last(), group.last()});
        build_group_or_parts(product);
        build_group_or_parts(group);
    }

    void build_group_or_parts(const QuantizedGroup& group) {
        builder_.begin(group.nodes);
        const Built built = with_context([&] { return format("node '{}'", group.nodes.front()->display_name()); },
                                         [&] { return attempt([&] { return build_group(builder_, group); }); });
        if (built == Built::Yes) return complete({group.last()});
        for (const Node* node : group.nodes) {
            for (const Node* dequantizer : group.dequantizers)
                if (is_read_by(*dequantizer->output(0), *node) && !builder_.has_memory(dequantizer->output(0))) build_node(*dequantizer);
            if (node->is("Conv") || node->is("Gemm") || node->is("MatMul")) {
                build_float_chain(Chain::of(*node));
            } else {
                build_node(*node);
            }
        }
    }

    static bool is_read_by(const Value& value, const Node& node) {
        return std::any_of(value.uses().begin(), value.uses().end(), [&](const Use& use) { return use.node == &node; });
    }

    /// Its zero point is also kept as the 32-bit number that products take at run time.
    void build_quantizer(const Node& node) {
        builder_.begin({&node});
        const auto zero_point = build_dynamic_quantize(builder_, node);
        if (zero_point) {
            zero_points_.emplace(&node, *zero_point);
            complete({&node});
        } else {
            build_node(node);
        }
    }

    /// With as many links as oneDNN takes; the rest as nodes of their own.
    void build_chain(const Chain& chain) {
        std::optional<std::size_t> links;
        if (const auto group = groups_.at_last.find(&chain.head()); group != groups_.at_last.end()) {
            links = build_quantized_links(*group->second, chain);
            if (!links) build_group_or_parts(*group->second);
        } else if (const auto product = dynamic_member_.find(&chain.head()); product != dynamic_member_.end()) {
            if (const auto zero_point = zero_points_.find(product->second->quantizer); zero_point != zero_points_.end())
                links = build_with_links(chain, 0, [&](std::size_t count) {
                    return build_dynamic_chain(builder_, *product->second, zero_point->second, chain, count);
                });
            if (!links)
                for (const Node* node : chain.heads) build_node(*node);
        } else {
            links = build_float_chain(chain);
        }
        for (std::size_t at = links.value_or(0); at < chain.links.size(); ++at)
            for (const Node* node : chain.links[at].nodes) build_node(*node);
    }

    /// Nothing: the product runs without its chain.
    std::optional<std::size_t> build_quantized_links(const QuantizedGroup& group, const Chain& chain) {
        std::optional<ProductPlan> plan;
        const Built planned = attempt([&] {
            if (has_byte_products()) plan = plan_quantized_product(builder_, group);
            return plan ? Built::Yes : Built::No;
        });
        if (planned == Built::No) return std::nullopt;
        return build_with_links(chain, 1, [&](std::size_t count) { return build_quantized_chain(builder_, group, *plan, chain, count); });
    }

    /// Nothing: the head runs on a plain kernel.
    std::optional<std::size_t> build_float_chain(const Chain& chain) {
        const auto build = chain.head().is("Gemm") ? build_gemm : chain.head().is("MatMul") ? build_matmul : build_convolution;
        const auto links = build_with_links(chain, 0, [&](std::size_t count) { return build(builder_, chain, count); });
        if (!links) build_node(chain.head());
        return links;
    }

    /// The number of links built with the head; at least `fewest`.
    template <typename Build> std::optional<std::size_t> build_with_links(const Chain& chain, std::size_t fewest, Build&& build) {
        for (std::size_t links = chain.links.size() + 1; links-- > fewest;) {
            const auto nodes = chain.nodes(links);
            builder_.begin(nodes);
            const Built built = attempt([&] { return build(links); });
            if (built == Built::No) continue;
            complete(nodes);
            return links;
        }
        return std::nullopt;
    }

    /// The steps of nodes are there: what they give is rounded and handed to the tap.
    void complete(const std::vector<const Node*>& nodes) {
        builder_.round_result(*nodes.back());
        for (const Node* node : nodes)
            for (const Value* output : node->outputs())
                if (output && std::find(options_.tapped.begin(), options_.tapped.end(), output) != options_.tapped.end())
                    builder_.add_tap(output);
        builder_.end();
    }

    const CompileOptions& options_;
    PlanBuilder builder_;
    QuantizedGroups groups_;
    std::vector<DynamicProduct> dynamic_;
    std::unordered_map<const Node*, const DynamicProduct*> dynamic_member_;
    std::unordered_map<const Node*, BufferId> zero_points_;  // by quantizer
    ResidualSums sums_;
    Chains chains_;
};

}  // namespace

PlanData compile_plan(const Graph& graph, const CompileOptions& options, const BodyContext& body,
                      std::shared_ptr<SharedConstants> constants) {
    return Compiler(graph, options, body, std::move(constants)).compile();
}

namespace {

class OneDnnEngine : public Engine {
public:
    std::string_view name() const override { return "onednn"; }
    std::unique_ptr<ExecutionPlan> compile(const Graph& graph, const CompileOptions& options) const override {
        const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa()), wanted = static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
        if (options.compute == ComputeType::BFloat16 && (isa & wanted) != wanted)
            throw Error(codes::kUsage, "this processor cannot compute in bfloat16: it has no AVX512", "compute in f32");
        const ThreadScope scope(options.threads);
        return translate_errors([&]() -> std::unique_ptr<ExecutionPlan> {
            reference::throw_if_unsupported(graph);
            return std::make_unique<OneDnnPlan>(compile_plan(graph, options, {}, constants_));
        });
    }

private:
    std::shared_ptr<SharedConstants> constants_ = std::make_shared<SharedConstants>();
};

}  // namespace

}  // namespace onednn

std::unique_ptr<Engine> make_onednn_engine() { return std::make_unique<onednn::OneDnnEngine>(); }

}  // namespace mcompress
