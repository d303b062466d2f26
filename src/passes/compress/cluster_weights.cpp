#include "passes/compress/cluster_weights.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>
#include <unordered_map>

#include "ops/attributes.h"
#include "ops/matmul.h"
#include "passes/codebook.h"
#include "passes/constant_values.h"
#include "passes/rewriter.h"
#include "quant/cluster_values.h"
#include "support/check.h"
#include "support/error.h"
#include "support/parallel.h"
#include "tensor/compare.h"

namespace mcompress {

namespace {

constexpr int kBroadcastOpset = 7;       // Mul broadcasts as NumPy does
constexpr int kFourBitOpset = 21;        // uint4
constexpr std::size_t kNodeBytes = 400;  // of three nodes with their names, generously
constexpr double kZerosToKeep = 0.03;
constexpr double kWorthScales = 0.98;

/// Which axes number the rows of a weight.
enum class Rows { First, Second, FirstTwo, Last, OfGemm };

struct WeightInput {
    std::string_view domain;
    std::string_view op;
    int input;
    Rows rows;
};

// clang-format off
constexpr auto kWeightInputs = std::to_array<WeightInput>({
    {"", "Conv", 1, Rows::First},
    {"", "ConvTranspose", 1, Rows::Second},
    {"", "Gemm", 1, Rows::OfGemm},
    {"", "MatMul", 1, Rows::Last},
    {"", "MatMul", 0, Rows::First},
    {"", "Einsum", 1, Rows::Last},
    {"", "Gather", 0, Rows::First},
    {"", "LSTM", 1, Rows::FirstTwo},
    {"", "LSTM", 2, Rows::FirstTwo},
    {"", "GRU", 1, Rows::FirstTwo},
    {"", "GRU", 2, Rows::FirstTwo},
    {"", "RNN", 1, Rows::FirstTwo},
    {"", "RNN", 2, Rows::FirstTwo},
    {"com.microsoft", "Attention", 1, Rows::Last},
    {"com.microsoft", "FusedMatMul", 1, Rows::Last},
    {"com.microsoft", "FusedGemm", 1, Rows::Last},
    {"com.microsoft", "FusedConv", 1, Rows::First},
    {"com.microsoft", "EmbedLayerNormalization", 2, Rows::First},
    {"com.microsoft", "EmbedLayerNormalization", 3, Rows::First},
    {"com.microsoft", "EmbedLayerNormalization", 4, Rows::First},
});
// clang-format on

/// Element i of a row-major tensor belongs to row (i / inner) % count.
struct RowLayout {
    std::int64_t count = 1;
    std::int64_t inner = 1;
    Shape scales;  // [1, …, rows, …, 1]

    std::size_t row(std::size_t element) const { return element / static_cast<std::size_t>(inner) % static_cast<std::size_t>(count); }
};

RowLayout layout_of(const Node& node, Rows rows, const Shape& shape) {
    const int rank = shape.rank();
    if (rows == Rows::OfGemm) rows = attrs<GemmAttrs>(node).b == MatrixOrder::Transposed ? Rows::First : Rows::Last;
    int from = 0, to = 1;
    if (rows == Rows::Second) from = 1, to = 2;
    if (rows == Rows::FirstTwo) to = 2;
    if (rows == Rows::Last) from = rank - 1, to = rank;
    RowLayout layout;
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
    for (int axis = from; axis < rank; ++axis) {
        (axis < to ? layout.count : layout.inner) *= shape[axis];
        if (axis < to) dims[static_cast<std::size_t>(axis)] = shape[axis];
    }
    layout.scales = Shape(dims);
    return layout;
}

struct Candidate {
    Value* weight;
    const Node* reader;
    RowLayout rows;
    Tensor tensor;
};

/// One way to store a weight.
struct Attempt {
    std::vector<double> levels;
    std::vector<std::uint8_t> codes;
    std::vector<double> scales;  // none: no rows
    double noise = 0.0;
    double signal = 0.0;
};

/// Root mean squares as the weight's type holds them; 1 for rows of zeros.
std::vector<double> row_scales(std::span<const float> values, const RowLayout& rows, DType dtype) {
    std::vector<double> squares(static_cast<std::size_t>(rows.count));
    for (std::size_t i = 0; i < values.size(); ++i) squares[rows.row(i)] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
    const double each = static_cast<double>(values.size()) / static_cast<double>(rows.count);
    for (double& square : squares) square = std::sqrt(square / each);
    std::vector<double> scales = *doubles_of(tensor_of_doubles(dtype, Shape{rows.count}, squares));
    for (double& scale : scales)
        if (!(scale > 0.0) || !std::isfinite(scale)) scale = 1.0;
    return scales;
}

Attempt attempt(const Candidate& candidate, std::span<const float> values, const ClusterOptions& options, ZeroLevel zero,
                RowScales scaling) {
    const DType dtype = candidate.tensor.dtype();
    Attempt result;
    std::vector<float> normal(values.begin(), values.end()), importance;
    if (scaling == RowScales::Always) {
        result.scales = row_scales(values, candidate.rows, dtype);
        importance.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) {
            const double scale = result.scales[candidate.rows.row(i)];
            normal[i] = static_cast<float>(static_cast<double>(values[i]) / scale);
            importance[i] = static_cast<float>(scale * scale);
        }
    }
    std::vector<double> levels = cluster_values(normal, importance, 1 << options.bits, zero);
    levels = *doubles_of(tensor_of_doubles(dtype, Shape{static_cast<std::int64_t>(levels.size())}, levels));
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    result.codes = nearest_levels(normal, levels);
    std::vector<double> stored(values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        stored[i] = levels[result.codes[i]] * (result.scales.empty() ? 1.0 : result.scales[candidate.rows.row(i)]);
    stored = *doubles_of(tensor_of_doubles(dtype, candidate.tensor.shape(), stored));
    for (std::size_t i = 0; i < values.size(); ++i) {
        const double value = static_cast<double>(values[i]);
        result.noise += (value - stored[i]) * (value - stored[i]);
        result.signal += value * value;
    }
    result.levels = std::move(levels);
    return result;
}

Attempt best_attempt(const Candidate& candidate, std::span<const float> values, const ClusterOptions& options, ZeroLevel zero) {
    if (options.row_scales != RowScales::Auto) return attempt(candidate, values, options, zero, options.row_scales);
    Attempt plain = attempt(candidate, values, options, zero, RowScales::Never);
    if (plain.noise == 0.0 || candidate.rows.count < 2) return plain;
    Attempt scaled = attempt(candidate, values, options, zero, RowScales::Always);
    return scaled.noise < kWorthScales * plain.noise ? std::move(scaled) : std::move(plain);
}

double entropy_of(std::span<const std::uint8_t> codes) {
    std::array<std::size_t, 256> counts{};
    for (const std::uint8_t code : codes) ++counts[code];
    double bits = 0.0;
    for (const std::size_t count : counts)
        if (count > 0) {
            const double share = static_cast<double>(count) / static_cast<double>(codes.size());
            bits -= share * std::log2(share);
        }
    return bits;
}

/// What is decided about a candidate: the attempt with its description, or why not.
struct Decision {
    Attempt stored;
    ClusteredWeight about;
    std::string reason;
};

Decision decide(const Candidate& candidate, const ClusterOptions& options) {
    Decision decision;
    const std::vector<float> values = to_floats(candidate.tensor);
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
        decision.reason = "its weight is not finite";
        return decision;
    }
    const auto zeros = std::count(values.begin(), values.end(), 0.0F);
    ClusteredWeight& about = decision.about;
    about.zeros = static_cast<double>(zeros) / static_cast<double>(values.size());
    about.is_zero_level = about.zeros > kZerosToKeep;
    decision.stored = best_attempt(candidate, values, options, about.is_zero_level ? ZeroLevel::Pinned : ZeroLevel::Free);
    const Attempt& stored = decision.stored;
    const std::size_t bits = options.storage == CodeStorage::Packed ? 4 : 8;
    const auto element = static_cast<std::size_t>(dtype_bits(candidate.tensor.dtype()) / 8);
    const std::size_t bytes = (values.size() * bits + 7) / 8 + (stored.levels.size() + stored.scales.size()) * element;
    if (bytes + kNodeBytes >= candidate.tensor.byte_size()) {
        decision.reason = format("codes, codebook and three nodes would take {} bytes, the weight takes {}", bytes + kNodeBytes,
                                 candidate.tensor.byte_size());
        return decision;
    }
    about.weight = candidate.weight->name();
    about.node = candidate.reader->display_name();
    about.op = candidate.reader->op_type();
    about.shape.assign(candidate.tensor.shape().begin(), candidate.tensor.shape().end());
    about.levels = static_cast<int>(stored.levels.size());
    about.has_row_scales = !stored.scales.empty();
    about.sqnr_db = 10.0 * std::log10(stored.signal / stored.noise);
    about.code_entropy = entropy_of(stored.codes);
    about.bytes_before = static_cast<std::int64_t>(candidate.tensor.byte_size());
    about.bytes_after = static_cast<std::int64_t>(bytes);
    return decision;
}

std::string refusal(const Node& node, const Value* weight, const ClusterOptions& options) {
    if (const auto kept = options.keep.find(node.display_name()); kept != options.keep.end()) return kept->second;
    const Node* producer = weight->producer();
    if (producer && (match_codebook(*producer) ||
                     (producer->is("Mul") && producer->input(0)->producer() && match_codebook(*producer->input(0)->producer()))))
        return "its weight is held as codes of a codebook already";
    const Tensor* tensor = known_tensor(weight);
    if (!tensor) return "its weight is not a constant";
    if (weight->is_graph_output()) return "its weight is an output of the graph";
    if (!is_float_to_compute_with(tensor->dtype())) return format("its weight is stored as {} already", dtype_name(tensor->dtype()));
    return {};
}

/// A table of rows that Gather takes from is a weight; the shapes and indices that exporters gather from are not. Nor is a product of two activations.
bool is_weight(const WeightInput& row, const Value* value) {
    const Tensor* tensor = known_tensor(value);
    if (row.op == "Gather") return tensor && tensor->shape().rank() >= 2 && is_float(tensor->dtype());
    if (row.op == "MatMul" || row.op == "Einsum") return tensor && tensor->shape().rank() >= 2;
    return !tensor || tensor->shape().rank() >= 2;
}

std::vector<Candidate> find_candidates(Graph& graph, const ClusterOptions& options, std::vector<Skip>& skipped) {
    std::vector<Candidate> candidates;
    std::set<const Value*> seen;
    std::set<const Value*> kept;  // read by a node whose weights stay
    for_each_node(graph, [&](Node& node) {
        for (const WeightInput& row : kWeightInputs) {
            if (!node.is(row.domain, row.op)) continue;
            Value* const weight = node.input(row.input);
            if (!weight || !is_weight(row, weight)) continue;
            const std::string reason = refusal(node, weight, options);
            if (!reason.empty()) {
                skipped.push_back(skip(node, reason));
                kept.insert(weight);
                continue;
            }
            if (!seen.insert(weight).second || known_tensor(weight)->element_count() == 0) continue;
            candidates.push_back({weight, &node, layout_of(node, row.rows, known_tensor(weight)->shape()), *known_tensor(weight)});
        }
    });
    std::erase_if(candidates, [&](const Candidate& candidate) {
        if (kept.contains(candidate.weight)) skipped.push_back(skip(*candidate.reader, "a node whose weights stay reads the same weight"));
        return kept.contains(candidate.weight);
    });
    return candidates;
}

Tensor code_tensor(const std::vector<std::uint8_t>& codes, const Shape& shape, CodeStorage storage) {
    if (storage == CodeStorage::Bytes) return Tensor::from_values(shape, codes);
    Tensor packed(DType::UInt4, shape);
    std::byte* bytes = packed.mutable_bytes();
    for (std::size_t i = 0; i < codes.size(); ++i) bytes[i / 2] |= static_cast<std::byte>(codes[i] << (i % 2 * 4));
    return packed;
}

/// Puts the nodes that make weights of codes in front of everything else in the weight's graph.
class Rewriter {
public:
    explicit Rewriter(CodeStorage storage) : storage_(storage) {}

    void store(const Candidate& candidate, const Attempt& stored) {
        Value* const weight = candidate.weight;
        Graph& graph = weight->graph();
        const std::string name = weight->name();
        const Shape& shape = candidate.tensor.shape();
        const DType dtype = candidate.tensor.dtype();
        Value* const codes = graph.add_constant(name + "_codes", code_tensor(stored.codes, shape, storage_));
        Value* const levels = graph.add_constant(
            name + "_codebook", tensor_of_doubles(dtype, Shape{static_cast<std::int64_t>(stored.levels.size())}, stored.levels));
        const std::string last = name + "_clustered";
        Value* const index =
            add(graph, "Cast", {codes}, ValueType::tensor(DType::Int32, shape), name + "_index", {{"to", std::int64_t{6}, {}}});
        Value* made =
            add(graph, "Gather", {levels, index}, ValueType::tensor(dtype, shape), stored.scales.empty() ? last : name + "_levels");
        if (!stored.scales.empty()) {
            Value* const scales = graph.add_constant(name + "_scales", tensor_of_doubles(dtype, candidate.rows.scales, stored.scales));
            made = add(graph, "Mul", {made, scales}, ValueType::tensor(dtype, shape), last);
        }
        graph.replace_all_uses(weight, made);
        Node* const constant = weight->producer();
        if (!constant) {
            graph.erase(weight);
            return;
        }
        if (first_.at(&graph) == constant) first_.at(&graph) = codes->uses()[0].node;
        graph.erase(constant);
    }

private:
    Value* add(Graph& graph, const char* op, std::vector<Value*> inputs, ValueType type, const std::string& name,
               std::vector<Attribute> attributes = {}) {
        const auto [first, is_new] = first_.try_emplace(&graph, nullptr);
        if (is_new && graph.node_count() > 0) first->second = graph.nodes().front();
        Node* const node = graph.add_node(
            {.op_type = op, .inputs = std::move(inputs), .attributes = std::move(attributes), .outputs = {name}}, first->second);
        graph.set_type(node->output(0), std::move(type));
        return node->output(0);
    }

    CodeStorage storage_;
    std::unordered_map<const Graph*, const Node*> first_;
};

void check_opset(const Graph& graph, CodeStorage storage) {
    const int opset = graph.opset_version("");
    const int needed = storage == CodeStorage::Packed ? kFourBitOpset : kBroadcastOpset;
    if (opset < needed)
        throw Error(
            codes::kOpsetUnsupported,
            format("opset {} has no {}", opset, storage == CodeStorage::Packed ? "4-bit integers" : "multiplication that broadcasts"),
            format("raise the opset to {} first", needed));
}

class ClusterWeights final : public Pass {
public:
    explicit ClusterWeights(ClusterOptions options) : options_(std::move(options)) {}
    std::string_view name() const override { return "cluster-weights"; }

    PassResult run(Graph& graph) override {
        ClusterResult result = cluster_weights(graph, options_);
        return {static_cast<int>(result.weights.size()), std::move(result.skipped)};
    }

private:
    ClusterOptions options_;
};

}  // namespace

ClusterResult cluster_weights(Graph& graph, const ClusterOptions& options) {
    MCOMPRESS_CHECK(options.bits >= 2 && options.bits <= (options.storage == CodeStorage::Packed ? 4 : 8));
    check_opset(graph, options.storage);
    ClusterResult result;
    const std::vector<Candidate> candidates = find_candidates(graph, options, result.skipped);
    std::vector<Decision> decisions(candidates.size());
    std::size_t numbers = 0;
    for (const Candidate& candidate : candidates) numbers += static_cast<std::size_t>(candidate.tensor.element_count());
    StageCounter counter(options.progress, "clustering", numbers);
    parallel_for(candidates.size(), options.threads, [&](int, std::size_t i) {
        decisions[i] = decide(candidates[i], options);
        counter.advance(static_cast<std::size_t>(candidates[i].tensor.element_count()));
    });
    Rewriter rewriter(options.storage);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (!decisions[i].reason.empty()) {
            result.skipped.push_back(skip(*candidates[i].reader, decisions[i].reason));
            continue;
        }
        rewriter.store(candidates[i], decisions[i].stored);
        result.weights.push_back(std::move(decisions[i].about));
    }
    return result;
}

std::unique_ptr<Pass> make_cluster_weights(ClusterOptions options) { return std::make_unique<ClusterWeights>(std::move(options)); }

}  // namespace mcompress
