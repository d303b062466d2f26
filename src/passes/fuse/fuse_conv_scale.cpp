#include "passes/fuse/fuse_conv_scale.h"

#include <array>
#include <optional>

#include "ops/attributes.h"
#include "passes/fuse/output_affine.h"
#include "passes/rewriter.h"

namespace mcompress {

namespace {

enum class Side { Left, Right };  // of the operator, where the linear node's result stands

struct Arithmetic {
    std::string_view op;
    Side side;
    double (*scale)(double k);
    double (*shift)(double k);
};

double one(double) { return 1.0; }
double zero(double) { return 0.0; }

constexpr std::array<Arithmetic, 7> kArithmetic{{
    {"Mul", Side::Left, [](double k) { return k; }, zero},
    {"Mul", Side::Right, [](double k) { return k; }, zero},
    {"Add", Side::Left, one, [](double k) { return k; }},
    {"Add", Side::Right, one, [](double k) { return k; }},
    {"Sub", Side::Left, one, [](double k) { return -k; }},
    {"Sub", Side::Right, [](double) { return -1.0; }, [](double k) { return k; }},
    {"Div", Side::Left, [](double k) { return 1.0 / k; }, zero},
}};

// The operand that a linear node computes, with the row of the table that applies.
const Arithmetic* match(const Node& node) {
    for (const Arithmetic& row : kArithmetic) {
        if (!node.is(row.op) || node.input_count() != 2) continue;
        const int index = row.side == Side::Left ? 0 : 1;
        const Value* result = node.input(index);
        if (result && result->producer() && is_linear(*result->producer()) && known_tensor(node.input(1 - index))) return &row;
    }
    return nullptr;
}

// One value a channel, or why the constant does not have that form. `rank` is that of the linear node's result; its channels are axis 1.
std::string per_channel(const Tensor& constant, int rank, std::int64_t channels, std::vector<double>& values) {
    if (constant.dtype() != DType::Float32) return format("its constant is {}", dtype_name(constant.dtype()));
    const Shape& shape = constant.shape();
    if (shape.rank() > rank) return format("its constant of shape {} enlarges the result", shape.to_string());
    for (int axis = 0; axis < shape.rank(); ++axis) {
        const bool along_channels = axis + rank - shape.rank() == 1;
        if (shape[axis] != 1 && !(along_channels && shape[axis] == channels))
            return format("its constant of shape {} is not one number a channel", shape.to_string());
    }
    const auto given = constant.values<float>();
    for (std::int64_t c = 0; c < channels; ++c) values.push_back(static_cast<double>(given[given.size() == 1 ? 0 : static_cast<std::size_t>(c)]));
    return {};
}

class FuseConvScale : public Pass {
public:
    std::string_view name() const override { return "fuse-conv-scale"; }

    PassResult run(Graph& graph) override {
        PassResult result;
        for_each_node(graph, [&](Node& node) {
            const Arithmetic* row = match(node);
            if (!row) return;
            const std::string reason = fuse(*row, node);
            if (reason.empty()) ++result.rewrites;
            else result.skipped.push_back(skip(node, reason));
        });
        return result;
    }

private:
    static std::string fuse(const Arithmetic& row, Node& node) {
        const int index = row.side == Side::Left ? 0 : 1;
        Node& linear = *node.input(index)->producer();
        if (std::string reason = why_not_take_over(linear, node); !reason.empty()) return reason;
        if (std::string reason = why_not_absorb(linear); !reason.empty()) return reason;
        std::vector<double> constants;
        const int rank = known_tensor(linear.input(1))->shape().rank();  // of weights and of the result alike
        if (std::string reason = per_channel(*known_tensor(node.input(1 - index)), rank, *linear_channels(linear), constants); !reason.empty())
            return reason;
        ChannelAffine affine;
        for (const double k : constants) {
            affine.scale.push_back(row.scale(k));
            affine.shift.push_back(row.shift(k));
        }
        if (!absorb(&linear, affine)) return "a folded number would not be finite";
        take_over(&linear, &node);
        return {};
    }
};

}  // namespace

std::unique_ptr<Pass> make_fuse_conv_scale() { return std::make_unique<FuseConvScale>(); }

}  // namespace mcompress
