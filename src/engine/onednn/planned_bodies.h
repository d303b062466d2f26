// The bodies of one If, Loop or Scan node, each with plans of its own for the shapes that it is run with.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_set>
#include <vector>

#include "engine/onednn/plan.h"
#include "engine/onednn/shared_constants.h"
#include "engine/reference/program.h"
#include "engine/shape_propagation.h"

namespace mcompress::onednn {

/// What a body's plan knows besides the body: types of its inputs and of the outer values it reads, and these values in the order of the run's inputs, behind
/// the body's own. Empty for a main graph.
struct BodyContext {
    std::span<const GivenValue> given = {};
    std::span<Value* const> outer = {};
};
PlanData compile_plan(const Graph& graph, const CompileOptions& options, const BodyContext& body,
                      std::shared_ptr<SharedConstants> constants);

struct BodyOptions {
    int threads = 1;
    ComputeType compute = ComputeType::Float32;
};

/// Plans are made when a body is first run with new shapes. Bodies that hand values to the tap, that are given sequences, or whose shapes keep changing run on
/// plain kernels. Any number of threads may run them at a time; the graph must outlive them.
class PlannedBodies {
public:
    PlannedBodies(const Node& node, const std::unordered_set<const Value*>& taps, const BodyOptions& options,
                  std::shared_ptr<SharedConstants> constants);
    std::span<Value* const> captures() const { return plain_.captures(); }
    std::vector<RuntimeValue> run_node(std::span<const RuntimeValue* const> inputs, std::span<const RuntimeValue> captured,
                                       const Tap& tap) const;

private:
    class Runner;
    using Key = std::vector<std::int64_t>;  // the body, types and extents
    /// Null: plain kernels.
    std::shared_ptr<const OneDnnPlan> plan_for(int index, std::span<const RuntimeValue> values) const;
    std::shared_ptr<const OneDnnPlan> compile(int index, std::span<const RuntimeValue> values) const;

    const Node& node_;
    BodyOptions options_;
    std::shared_ptr<SharedConstants> constants_;
    reference::Bodies plain_;
    bool has_taps_ = false;
    mutable std::mutex mutex_;
    mutable std::map<Key, std::shared_ptr<const OneDnnPlan>> plans_;
};

}  // namespace mcompress::onednn
