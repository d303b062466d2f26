#include "pipeline/convert_float_model.h"

#include <algorithm>
#include <mutex>

#include "calibrate/observer.h"
#include "calibrate/sample_check.h"
#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/clone.h"
#include "onnx/upgrade.h"
#include "ops/infer.h"
#include "passes/compress/convert_float.h"
#include "passes/pipelines.h"
#include "passes/quantize/select_nodes.h"
#include "passes/rewriter.h"
#include "pipeline/fixed_batch.h"
#include "pipeline/prepare.h"
#include "pipeline/summarize.h"
#include "report/text_table.h"
#include "support/error.h"
#include "support/parallel.h"

namespace mcompress {

namespace {

// Convolutions and pooling have bfloat16 forms from opset 22 on, what is older mostly from 13 on.
constexpr int kBFloat16Opsets[] = {22, 13};
constexpr int kFirstNumberedCast = 6;  // before, Cast named its type
constexpr std::size_t kNamed = 10;     // constants that do not fit, in the report

void upgrade_for_bfloat16(Model& model, FloatReport& report) {
    for (const int opset : kBFloat16Opsets) {
        if (model.graph->opset_version("") >= opset) return;
        try {
            upgrade_opset(model, opset);
            infer_types(*model.graph);
            return;
        } catch (const Error& error) {
            if (std::string_view(error.code().id) != codes::kOpsetUnsupported.id) throw;
            report.notes.push_back(
                {"model", "",
                 format("could not be brought to opset {}, where more operators have a bfloat16 form: {}", opset, error.what())});
        }
    }
}

/// Every float32 value that is computed, bodies included.
std::vector<const Value*> float_values(Graph& graph) {
    std::vector<const Value*> values;
    for_each_graph(graph, [&](Graph& each) {
        for (const Node* node : each.nodes())
            for (const Value* value : node->outputs())
                if (value && value->type().is_tensor() && value->type().dtype == DType::Float32 && !value->is_unused())
                    values.push_back(value);
    });
    return values;
}

CalibrationTable observe_ranges(Graph& graph, const Dataset& data, const FloatConvertRequest& request) {
    const auto engine = make_onednn_engine();
    PlanCache plans(*engine, graph, CompileOptions{.threads = 1, .tapped = float_values(graph)});
    std::vector<Observer> observers(static_cast<std::size_t>(std::max(1, request.threads)), Observer(data.size()));
    std::mutex mutex;
    std::size_t done = 0;
    parallel_for(data.size(), request.threads, [&](int worker, std::size_t index) {
        with_context([&] { return format("sample '{}'", data.sample_name(index)); },
                     [&] {
                         const Sample sample = data.sample(index);
                         check_finite(sample);
                         const std::vector<Tensor> inputs = bind_inputs(graph, sample);
                         Observer& observer = observers[static_cast<std::size_t>(worker)];
                         plans.plan_for(inputs)->run(inputs, observer.tap());
                         for (std::size_t at = 0; at < inputs.size(); ++at)
                             if (inputs[at].defined() && inputs[at].dtype() == DType::Float32)
                                 observer.observe(*graph.inputs()[at], inputs[at]);
                     });
        const std::lock_guard lock(mutex);
        if (request.progress) request.progress(++done, data.size());
    });
    CalibrationTable table;
    table.samples = data.size();
    for (const Observer& observer : observers) observer.merge_into(table);
    return table;
}

/// Constants that do not fit are a gate with --refuse-unfit: none is allowed.
void judge_constants(FloatReport& report) {
    const FloatConversion& conversion = report.conversion;
    std::size_t unfit = 0;
    for (const auto& [name, counts] : report.rounding) {
        if (counts.overflow <= conversion.max_overflow && !vanishes(counts, conversion)) continue;
        if (++unfit <= kNamed)
            report.gates.worst.push_back(format("constant '{}': of {} numbers {} would overflow and {} become 0; the largest is {:.6g}",
                                                name, counts.elements, counts.overflow, counts.flushed, counts.largest));
    }
    report.gates.gates.push_back({"refuse-unfit", 0.0, static_cast<double>(unfit), unfit == 0});
}

void judge_goal(const FloatGoal& goal, FloatReport& report) {
    std::vector<Gate>& gates = report.gates.gates;
    const FloatFidelity& found = *report.fidelity;
    if (goal.min_sqnr) gates.push_back({"min-sqnr", *goal.min_sqnr, found.worst_sqnr_db, found.worst_sqnr_db >= *goal.min_sqnr});
    if (goal.max_drop) {
        const double drop = 100.0 - *found.agreement;
        gates.push_back({"max-drop", *goal.max_drop, drop, drop <= *goal.max_drop});
    }
    if (report.gates.are_met()) return;
    report.gates.worst.push_back(format("constants, rounded alone: {}", decibels(report.constants_sqnr_db)));
    for (const RoundedValue& value : report.search.worst)
        report.gates.worst.push_back(format("{} ({}), rounded alone: {}", value.value, value.op, decibels(value.sqnr_db)));
}

/// Compares what the conversion gives, and leaves nodes in float32 until that is good enough, if it ever is.
void meet_goal(const FloatSubject& subject, const FloatGoal& goal, FloatReport& report) {
    report.fidelity = measure_conversion(subject, report.conversion);
    report.constants_sqnr_db = measure_rounded_constants(subject, report.conversion.to).worst_sqnr_db;
    if (!goal.is_asked()) return;
    if (goal.max_drop && !report.fidelity->agreement)
        throw Error(codes::kUsage, "--max-drop needs a classifier: the first output is not [samples, classes]", "use --min-sqnr");
    if (goal.shortfall(*report.fidelity) <= 0.0) return;
    report.search.without = *report.fidelity;
    auto kept = find_float_fallback(subject, report.conversion, goal, report.search);
    if (!kept) return;
    report.conversion.keep = std::move(*kept);
    report.fidelity = measure_conversion(subject, report.conversion);
}

/// Carries out a conversion and looks at what it left.
void convert(Graph& graph, const CalibrationTable* table, FloatReport& report) {
    const FloatPlan plan(graph, report.conversion, table);
    report.kept.clear();
    for (const auto& [node, reason] : plan.kept()) report.kept.push_back(skip(*node, reason));
    report.rounding = plan.rounding();
    for (const std::string& name : plan.masks())
        report.notes.push_back({name, "",
                                format("only masks what a Softmax reads: its {} numbers below the range become the lowest finite number",
                                       plan.rounding().at(name).overflow)});
    const FloatConversionCounts counts = convert_floats(graph, plan, report.conversion);
    report.nodes = counts.nodes;
    report.casts = counts.casts;
    report.constants = counts.constants;
    infer_types(graph);
}

void append(std::vector<PassRun>& all, std::vector<PassRun> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

}  // namespace

FloatReport convert_float_model(const FloatConvertRequest& request) {
    FloatReport report;
    report.conversion = request.conversion;
    report.data = request.data_name;
    auto model = load_inlined(request.model);
    Graph& graph = *model->graph;
    infer_types(graph);
    report.before = summarize(*model, request.model);
    if (graph.opset_version("") < kFirstNumberedCast) upgrade_opset(*model, kFirstNumberedCast);
    if (report.conversion.to == DType::BFloat16) upgrade_for_bfloat16(*model, report);
    append(report.passes, run_pipeline("clean", graph, pass_inputs()));
    for (const std::string& selector : request.exclude)
        for (const std::string& name : select_nodes(graph, selector))
            report.conversion.keep.try_emplace(name, name == selector ? "excluded by name" : format("excluded by '{}'", selector));
    std::optional<CalibrationTable> table;
    std::optional<FixedBatch> samples;
    std::unique_ptr<Graph> exact;
    if (request.data && report.conversion.to != DType::Float32) {
        exact = clone(graph);
        samples = fit_batch(graph, *request.data, LastBatch::Fill);
        table = observe_ranges(*exact, *samples->samples, request);
        meet_goal({*exact, &*table, *samples->samples, request.threads}, request.goal, report);
    }
    convert(graph, table ? &*table : nullptr, report);
    const bool is_empty = report.nodes == 0 && report.constants == 0;
    // The goal is met by the model as it was: by no conversion.
    if (is_empty && !report.search.tries.empty()) report.fidelity = report.search.without;
    else if (is_empty)
        throw Error(codes::kUsage,
                    format("{} has nothing to convert to {}{}", request.model.string(), dtype_name(report.conversion.to),
                           report.kept.empty() ? "" : format(": '{}' stays, since {}", report.kept[0].node, report.kept[0].reason)),
                    "mcompress inspect shows the types of a model");
    if (request.unfit == UnfitConstants::Refuse) judge_constants(report);
    if (request.goal.is_asked()) judge_goal(request.goal, report);
    if (!report.gates.are_met()) return report;
    append(report.passes, run_pipeline(report.conversion.to == DType::Float32 ? "clean" : "tidy", graph, pass_inputs()));
    report.after = emit_and_summarize(*model, request.output, request.stamp, request.planned);
    return report;
}

}  // namespace mcompress
