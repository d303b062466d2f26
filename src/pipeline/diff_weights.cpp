#include "pipeline/diff_weights.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/reference/kernel.h"
#include "ops/attributes.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

bool is_quantizer(const Node& node) { return node.is("QuantizeLinear") || node.is("DequantizeLinear"); }

bool is_parameter(const Value& value) {
    return !value.uses().empty() &&
           std::all_of(value.uses().begin(), value.uses().end(), [](const Use& use) { return use.index > 0 && is_quantizer(*use.node); });
}

/// A constant, with the DequantizeLinear through which it is read.
struct Weight {
    const Value* value;
    const Node* dequantizer = nullptr;

    const Tensor& stored() const { return *value->constant(); }

    /// The numbers it stands for; nothing where they cannot be known.
    std::optional<Tensor> numbers() const {
        if (!dequantizer) return stored().dtype() == DType::String ? std::nullopt : std::optional(stored());
        std::vector<Tensor> inputs;
        for (const Value* input : dequantizer->inputs()) {
            const Tensor* tensor = input ? known_tensor(input) : nullptr;
            if (input && !tensor) return std::nullopt;
            inputs.push_back(tensor ? *tensor : Tensor());
        }
        try {
            return evaluate_node(*dequantizer, inputs).at(0);
        } catch (const Error&) {
            return std::nullopt;
        }
    }
};

std::vector<Weight> weights_of(const Graph& graph) {
    std::vector<Weight> weights;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Value* value : each.constants()) {
            if (!value->constant() || is_parameter(*value)) continue;
            Weight weight{value};
            for (const Use& use : value->uses())
                if (use.index == 0 && use.node->is("DequantizeLinear")) weight.dequantizer = use.node;
            weights.push_back(weight);
        }
    });
    return weights;
}

/// Elements [begin, end) as floats, without more memory than they take.
std::vector<float> floats_of(const Tensor& tensor, std::int64_t begin, std::int64_t end) {
    const std::size_t width = static_cast<std::size_t>(dtype_bits(tensor.dtype())) / 8;
    return to_floats(Tensor::from_bytes(
        tensor.dtype(), Shape{end - begin},
        {tensor.stored_bytes() + static_cast<std::size_t>(begin) * width, static_cast<std::size_t>(end - begin) * width}));
}

ErrorMeasure measure(const Tensor& before, const Tensor& after) {
    constexpr std::int64_t kPiece = 1 << 20;
    ErrorMeasure result;
    if (dtype_bits(before.dtype()) < 8 || dtype_bits(after.dtype()) < 8) {
        result.add(to_floats(before), to_floats(after));
        return result;
    }
    for (std::int64_t at = 0; at < before.element_count(); at += kPiece) {
        const std::int64_t end = std::min(at + kPiece, before.element_count());
        result.add(floats_of(before, at, end), floats_of(after, at, end));
    }
    before.release_pages();
    after.release_pages();
    return result;
}

class WeightDiff {
public:
    WeightDiff(const GraphMatch& match, DiffReport& report) : match_(match), report_(report) {}

    void run(const Graph& before, const Graph& after) {
        const std::vector<Weight> old_weights = weights_of(before), new_weights = weights_of(after);
        for (const Weight& weight : old_weights) before_[weight.value] = weight;
        for (const Weight& weight : new_weights) after_[weight.value] = weight;
        pair_by_place();
        pair_by(old_weights, new_weights, [](const Weight& weight) { return weight.value->name(); });
        pair_by(old_weights, new_weights, [this](const Weight& weight) {
            const auto found = match_.identities.find(weight.value);
            return found == match_.identities.end() ? weight.value->name() : found->second;
        });
        for (const Weight& weight : old_weights) {
            const auto found = partner_.find(weight.value);
            if (found == partner_.end())
                report_.weights.push_back({.name = weight.value->name(), .type_before = weight.value->type().to_string()});
            else compare(weight, after_.at(found->second));
        }
        for (const Weight& weight : new_weights)
            if (!taken_.contains(weight.value))
                report_.weights.push_back({.name = weight.value->name(), .type_after = weight.value->type().to_string()});
    }

private:
    void pair(const Value* before, const Value* after) {
        if (partner_.contains(before) || taken_.contains(after)) return;
        partner_[before] = after;
        taken_.insert(after);
    }

    /// Where matched nodes read them.
    void pair_by_place() {
        for (const GraphMatch::Pair& nodes : match_.pairs)
            for (int index = 0; index < std::min(nodes.before->input_count(), nodes.after->input_count()); ++index) {
                const Value* old_value = behind_quantizers(nodes.before->input(index));
                const Value* new_value = behind_quantizers(nodes.after->input(index));
                if (before_.contains(old_value) && after_.contains(new_value)) pair(old_value, new_value);
            }
    }

    template <typename Key> void pair_by(const std::vector<Weight>& before, const std::vector<Weight>& after, Key&& key) {
        std::map<std::string, const Value*> known;
        for (const Weight& weight : before)
            if (!partner_.contains(weight.value)) known[key(weight)] = weight.value;
        for (const Weight& weight : after)
            if (const auto found = known.find(key(weight)); found != known.end()) pair(found->second, weight.value);
    }

    void compare(const Weight& before, const Weight& after) {
        const bool is_renamed = before.value->name() != after.value->name();
        if (!before.dequantizer && !after.dequantizer && before.stored().equals(after.stored()) && !is_renamed) {
            ++report_.weights_same;
            return;
        }
        WeightDifference difference{.name = before.value->name(),
                                    .new_name = is_renamed ? after.value->name() : "",
                                    .type_before = before.value->type().to_string(),
                                    .type_after = after.value->type().to_string()};
        const auto old_numbers = before.numbers(), new_numbers = after.numbers();
        if (old_numbers && new_numbers && old_numbers->shape() == new_numbers->shape()) {
            const ErrorMeasure error = measure(*old_numbers, *new_numbers);
            const bool is_same = before.stored().equals(after.stored()) && error.noise == 0.0;
            if (is_same && !is_renamed) {
                ++report_.weights_same;
                return;
            }
            difference.max_difference = error.max_absolute;
            difference.sqnr_db = error.sqnr_db();
        }
        report_.weights.push_back(std::move(difference));
    }

    const GraphMatch& match_;
    DiffReport& report_;
    std::unordered_map<const Value*, Weight> before_, after_;
    std::unordered_map<const Value*, const Value*> partner_;
    std::set<const Value*> taken_;
};

std::string range_text(const Tensor& tensor) {
    const std::vector<float> values = to_floats(tensor);
    if (values.empty()) return "none";
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (values.size() == 1) return format("{:.6g}", values[0]);
    return *low == *high ? format("{} x {:.6g}", values.size(), *low) : format("{} from {:.6g} to {:.6g}", values.size(), *low, *high);
}

/// By the value that is quantized: the input of QuantizeLinear, or the constant that DequantizeLinear reads.
std::map<std::string, const Node*> quantizers_of(const Graph& graph) {
    std::map<std::string, const Node*> found;
    for_each_graph(const_cast<Graph&>(graph), [&](const Graph& each) {
        for (const Node* node : each.nodes())
            if (is_quantizer(*node) && node->input(0) && (node->is("QuantizeLinear") || node->input(0)->constant()))
                found.emplace(node->input(0)->name(), node);
    });
    return found;
}

/// Parameters in full: ranges of many may be equal though they are not.
bool same_parameters(const Node& before, const Node& after) {
    for (int index = 1; index < 3; ++index) {
        const Tensor* const a = before.input(index) ? known_tensor(before.input(index)) : nullptr;
        const Tensor* const b = after.input(index) ? known_tensor(after.input(index)) : nullptr;
        if ((a == nullptr) != (b == nullptr) || (a && !a->equals(*b))) return false;
    }
    return quantizer_text(before) == quantizer_text(after);
}

}  // namespace

const Value* behind_quantizers(const Value* value) {
    if (!value || !value->producer() || !value->producer()->is("DequantizeLinear")) return value;
    const Value* codes = value->producer()->input(0);
    if (!codes) return value;
    const Node* quantizer = codes->producer();
    return quantizer && quantizer->is("QuantizeLinear") && quantizer->input(0) ? quantizer->input(0) : codes;
}

std::string quantizer_text(const Node& quantizer) {
    const Tensor* const scale = quantizer.input(1) ? known_tensor(quantizer.input(1)) : nullptr;
    const Tensor* const zero = quantizer.input(2) ? known_tensor(quantizer.input(2)) : nullptr;
    const Value* codes = quantizer.is("QuantizeLinear") ? quantizer.output(0) : quantizer.input(0);
    const DType dtype = zero ? zero->dtype() : codes && codes->type().is_tensor() ? codes->type().dtype : DType::Undefined;
    return format("{}, scale {}, zero point {}", dtype == DType::Undefined ? "codes" : dtype_name(dtype),
                  scale ? range_text(*scale) : "computed",
                  zero                 ? range_text(*zero)
                  : quantizer.input(2) ? "computed"
                                       : "0");
}

void diff_weights(const Graph& before, const Graph& after, const GraphMatch& match, DiffReport& report) {
    WeightDiff(match, report).run(before, after);
}

void diff_quantizers(const Graph& before, const Graph& after, DiffReport& report) {
    const auto old_ones = quantizers_of(before), new_ones = quantizers_of(after);
    for (const auto& [name, node] : old_ones) {
        const auto found = new_ones.find(name);
        if (found == new_ones.end()) report.quantizers.push_back({name, quantizer_text(*node), std::nullopt});
        else if (!same_parameters(*node, *found->second))
            report.quantizers.push_back({name, quantizer_text(*node), quantizer_text(*found->second)});
    }
    for (const auto& [name, node] : new_ones)
        if (!old_ones.contains(name)) report.quantizers.push_back({name, std::nullopt, quantizer_text(*node)});
}

}  // namespace mcompress
