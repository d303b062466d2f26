#include "factorize/layer_costs.h"

#include <array>
#include <string>

#include "support/check.h"
#include "tune/subgraph.h"
#include "validate/latency.h"

namespace mcompress {

namespace {

constexpr double kSeconds = 0.2;

double known(const Dim& dim) { return dim.is_known() ? static_cast<double>(dim.extent()) : 1.0; }

}  // namespace

LayerPositions positions_of(const Layer& layer) {
    LayerPositions positions;
    const ValueType &in = layer.reference->input(0)->type(), &out = layer.reference->output(0)->type();
    if (!in.has_rank() || !out.has_rank()) return positions;
    if (!layer.reference->is("Conv")) {
        for (int axis = 0; axis + 1 < out.rank(); ++axis) positions.output *= known((*out.dims)[static_cast<std::size_t>(axis)]);
        positions.input = positions.between = positions.output;
        return positions;
    }
    positions.input = positions.between = positions.output = known((*out.dims)[0]);
    for (std::size_t axis = 2; axis < out.dims->size(); ++axis) {
        const double read = known((*in.dims)[axis]), made = known((*out.dims)[axis]);
        positions.input *= read;
        positions.output *= made;
        positions.between *= axis == 2 ? made : read;
    }
    return positions;
}

FormCost cost_of(const LayerAlgebra& layer, const LayerPositions& positions, const LowRankForm& form) {
    const std::int64_t m = layer.weight.rows, n = layer.weight.columns, r = form.rank;
    const auto macs = [](double at, std::int64_t each) { return at * static_cast<double>(each); };
    if (form.form == FactorForm::Product) return {macs(positions.output, r * (n + m)), r * (n + m)};
    if (form.form == FactorForm::Spatial) {
        const std::int64_t first = r * layer.channels * layer.height, last = m * r * layer.width;
        return {macs(positions.between, first) + macs(positions.output, last), first + last};
    }
    const std::int64_t first = form.inner_rank * layer.channels, rest = r * form.inner_rank * layer.height * layer.width + m * r;
    return {macs(positions.input, first) + macs(positions.output, rest), first + rest};
}

FormCost dense_cost(const LayerAlgebra& layer, const LayerPositions& positions) {
    const std::int64_t parameters = layer.weight.rows * layer.weight.columns;
    return {positions.output * static_cast<double>(parameters), parameters};
}

std::vector<FactorMatrix> factor_matrices(const std::vector<Matrix>& factors) {
    std::vector<FactorMatrix> result;
    for (const Matrix& factor : factors) result.push_back({factor.rows, factor.columns, floats_of(factor)});
    return result;
}

double time_ratio(const Engine& engine, const Graph& graph, const Layer& layer, FactorForm form, const std::vector<FactorMatrix>& factors,
                  const Tensor& input, int threads) {
    const std::array<std::string, 1> from{layer.reference->input(0)->name()}, to{layer.reference->output(0)->name()};
    const auto before = extract_subgraph(graph, from, to), after = extract_subgraph(graph, from, to);
    write_factors(after->outputs()[0]->producer(), form, factors);
    const std::array<Tensor, 1> inputs{input};
    std::vector<std::unique_ptr<ExecutionPlan>> plans;
    std::vector<TimedPlan> timed;
    for (const Graph* each : {after.get(), before.get()}) {
        MCOMPRESS_CHECK(each->inputs().size() == 1);
        CompileOptions options;
        options.input_shapes[from[0]] = input.shape();
        options.threads = threads;
        plans.push_back(engine.compile(*each, options));
        timed.push_back({plans.back().get(), inputs});
    }
    const auto times = time_alternating(timed, kSeconds);
    return median_ratio(times[0], times[1]);
}

}  // namespace mcompress
