// The pass manager, the registry and the pipelines.
#include "passes/pass_manager.h"

#include "catch.h"
#include "ir/model.h"
#include "passes/pipelines.h"
#include "support/error.h"

using namespace mcompress;

namespace {

struct Chain {
    Model model;
    Graph& graph = *model.graph;

    Chain() {
        (*model.opset_imports)[""] = 13;
        Value* x = graph.add_input("x", ValueType::tensor(DType::Float32, Dims{2}));
        graph.add_output(graph.add_node({"Relu", {x}, {}, "relu", {}, {"y"}})->output(0));
    }
};

/// Says that it rewrites as often as it is told, then stops.
class Busy : public Pass {
public:
    explicit Busy(int times) : left_(times) {}
    std::string_view name() const override { return "busy"; }
    PassResult run(Graph&) override { return {left_-- > 0 ? 1 : 0, {}}; }

private:
    int left_;
};

/// Breaks the graph in the way it is told.
class Breaks : public Pass {
public:
    explicit Breaks(void (*action)(Graph&)) : action_(action) {}
    std::string_view name() const override { return "breaks"; }
    PassResult run(Graph& graph) override {
        action_(graph);
        return {1, {}};
    }

private:
    void (*action_)(Graph&);
};

template <typename Action> std::string message_of(const ErrorCode& code, const Action& action) {
    try {
        action();
    } catch (const Error& error) {
        CHECK(std::string(error.code().id) == code.id);
        return error.what();
    }
    return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a fixed point ends with a round that rewrites nothing") {
    Chain chain;
    int calls = 0;
    PassManagerOptions options;
    options.after_each = [&](std::string_view pass, const Graph& graph) {
        CHECK(pass == "busy");
        CHECK(&graph == &chain.graph);
        ++calls;
    };
    PassManager manager(options);
    manager.add(std::make_unique<Busy>(3));
    const auto runs = manager.run_to_fixed_point(chain.graph);
    REQUIRE(runs.size() == 4);
    CHECK(runs.back().result.rewrites == 0);
    CHECK(calls == 4);
    for (const PassRun& run : runs) CHECK(run.seconds >= 0.0);
}

TEST_CASE("passes that never come to rest are named") {
    Chain chain;
    PassManagerOptions options;
    options.max_rounds = 5;
    PassManager manager(options);
    manager.add(std::make_unique<Busy>(1));
    manager.add(std::make_unique<Busy>(1000000));
    CHECK(contains(message_of(codes::kInternal, [&] { manager.run_to_fixed_point(chain.graph); }), "after 5 rounds: busy (1 rewrites)"));
}

TEST_CASE("a pass that breaks the graph is named") {
    const auto run = [](void (*action)(Graph&)) {
        Chain chain;
        PassManager manager;
        manager.add(std::make_unique<Breaks>(action));
        return message_of(codes::kInternal, [&] { manager.run_once(chain.graph); });
    };
    const std::string cyclic = run([](Graph& graph) { graph.set_input(graph.nodes()[0], 0, graph.outputs()[0]); });
    CHECK(contains(cyclic, "breaks"));
    const std::string arity = run([](Graph& graph) { graph.append_input(graph.nodes()[0], graph.inputs()[0]); });
    CHECK(contains(arity, "pass breaks left the graph invalid"));
    CHECK(contains(arity, "relu"));
}

TEST_CASE("what is wrong with a model before any pass is the model's fault") {
    Chain chain;
    chain.graph.set_input(chain.graph.nodes()[0], 0, chain.graph.outputs()[0]);
    PassManager manager;
    manager.add(std::make_unique<Busy>(0));
    message_of(codes::kModelInvalid, [&] { manager.run_once(chain.graph); });
}

TEST_CASE("unknown passes and pipelines are refused with the nearest name") {
    CHECK(contains(message_of(codes::kUsage, [] { find_pass("fuse-conv-bm"); }), "fuse-conv-bn"));
    Chain chain;
    CHECK(contains(message_of(codes::kUsage, [&] { run_pipeline("fuze", chain.graph, {}); }), "fuze"));
}

TEST_CASE("rows of the registry fit the passes they make") {
    const CalibrationTable table;
    for (const PassRow& row : all_passes()) {
        CHECK(row.make({{}, {}, &table})->name() == row.name);
        CHECK(!row.summary.empty());
        CHECK(row.summary.back() == '.');
        CHECK(!family_name(row.family).empty());
    }
    for (const Pipeline& pipeline : all_pipelines())
        for (const std::string_view pass : pipeline.passes) CHECK(find_pass(pass).name == pass);
}
