// LSTM and GRU on oneDNN's primitives: what the plain kernels say.
#include "catch.h"
#include "engine_pair.h"
#include "ops/infer.h"

using namespace mcompress;

namespace {

struct Case {
    std::string op, direction;
    std::int64_t steps = 5, batch = 1, inputs = 7, hidden = 20;
    bool has_bias = true, has_state = false, resets_behind = false;
};

/// All outputs are wanted.
void build(GraphMaker& maker, const Case& c) {
    const std::int64_t directions = c.direction == "bidirectional" ? 2 : 1, gates = c.op == "LSTM" ? 4 : 3;
    std::vector<Value*> inputs{maker.input("x", Shape{c.steps, c.batch, c.inputs}),
                               maker.weights(Shape{directions, gates * c.hidden, c.inputs}),
                               maker.weights(Shape{directions, gates * c.hidden, c.hidden}), nullptr, nullptr};
    if (c.has_bias) inputs[3] = maker.weights(Shape{directions, 2 * gates * c.hidden});
    if (c.has_state) inputs.push_back(maker.input("h", Shape{directions, c.batch, c.hidden}));
    if (c.has_state && c.op == "LSTM") inputs.push_back(maker.input("c", Shape{directions, c.batch, c.hidden}));
    std::vector<Attribute> attributes{{"hidden_size", c.hidden, {}}, {"direction", c.direction, {}}};
    if (c.resets_behind) attributes.push_back({"linear_before_reset", std::int64_t{1}, {}});
    Graph& graph = maker.graph();
    std::vector<std::string> outputs{"y", "y_h"};
    if (c.op == "LSTM") outputs.push_back("y_c");
    Node* node = graph.add_node({.op_type = c.op, .inputs = inputs, .outputs = outputs});
    for (Attribute& attribute : attributes) graph.set_attribute(node, attribute.name, std::move(attribute.value));
    for (Value* output : node->outputs()) graph.add_output(output);
}

}  // namespace

TEST_CASE("recurrent operators agree with the plain kernels in every direction", "[onednn]") {
    for (const std::string op : {"LSTM", "GRU"})
        for (const std::string direction : {"forward", "reverse", "bidirectional"})
            for (const std::int64_t batch : {1, 3})
                for (int variant = 0; variant < 4; ++variant) {
                    const Case c{op, direction, 5, batch, 7, 20, variant != 1, variant >= 2, op == "GRU" && variant == 3};
                    CAPTURE(op, direction, batch, variant);
                    GraphMaker maker(17, static_cast<unsigned>(variant) + 1);
                    build(maker, c);
                    CHECK(relative_difference(maker) < 1e-5);
                    CHECK_FALSE(has_reference_step(maker));
                    CHECK(has_step(maker, op));
                }
}

TEST_CASE("a GRU that resets behind its product without a bias", "[onednn]") {
    GraphMaker maker;
    build(maker, {"GRU", "forward", 4, 2, 5, 16, false, false, true});
    CHECK(relative_difference(maker) < 1e-5);
}

TEST_CASE("recurrent operators that oneDNN's formulas do not cover stay on plain kernels", "[onednn]") {
    GraphMaker maker;
    build(maker, {"LSTM", "forward"});
    Node* node = maker.graph().outputs()[0]->producer();
    maker.graph().set_attribute(node, "clip", 0.5F);
    CHECK(relative_difference(maker) < 1e-6);
    CHECK(has_step(maker, "LSTM"));
    bool is_plain = false;
    for (const StepInfo& step : steps_of(maker)) is_plain = is_plain || step.kernel == "plain:LSTM";
    CHECK(is_plain);
}
