// Selectors of nodes: each form, what they refuse, and what a selection does to a plan.
#include "passes/quantize/select_nodes.h"

#include <algorithm>

#include "catch.h"
#include "onnx/text.h"
#include "passes/quantize/quantization_plan.h"
#include "support/error.h"

using namespace mcompress;

namespace {

using Names = std::vector<std::string>;

// Outputs name the nodes: the text syntax has no names of nodes.
std::unique_ptr<Model> model() {
    return parse_model(R"(<ir_version: 8, opset_import: ["" : 13, "com.microsoft" : 1]>
g (float[1,4,6,6] x, bool p) => (float[1,4,6,6] y, float[1,4,6,6] z)
{
  conv1 = Conv (x, x)
  relu1 = Relu (conv1)
  conv2 = Conv (relu1, x)
  side = Exp (conv2)
  conv10 = Conv (conv2, x)
  y = Add (conv10, relu1)
  z = If (p) <
    then_branch = t () => (float[1,4,6,6] inner) { inner = Neg (side) },
    else_branch = e () => (float[1,4,6,6] other) { other = com.microsoft.Gelu (side) }
  >
})");
}

std::string remedy(const std::string& selector) {
    try {
        select_nodes(*model()->graph, selector);
        return "not refused";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::Usage);
        return error.remedy();
    }
}

}  // namespace

TEST_CASE("nodes are selected by name, wildcard, regular expression, operator and path", "[quantize]") {
    const auto subject = model();
    const auto select = [&](const char* selector) { return select_nodes(*subject->graph, selector); };
    CHECK(select("conv1") == Names{"conv1"});
    CHECK(select("conv*") == Names{"conv1", "conv2", "conv10"});
    CHECK(select("conv?") == Names{"conv1", "conv2"});
    CHECK(select("*v*1*") == Names{"conv1", "conv10"});
    CHECK(select("/^conv[12]$/") == Names{"conv1", "conv2"});
    CHECK(select("/onv1/") == Names{"conv1", "conv10"});
    CHECK(select("type:Conv") == Names{"conv1", "conv2", "conv10"});
    CHECK(select("type:com.microsoft.Gelu") == Names{"other"});
    CHECK(select("relu1..conv10") == Names{"conv2", "conv10"});
    CHECK(select("relu1..y") == Names{"conv2", "conv10", "y"});
    CHECK(select("conv2..z") == Names{"side", "z", "other", "inner"});  // with all that the bodies hold
}

TEST_CASE("trap 26: a selector that means nothing is refused with the nearest name", "[quantize]") {
    CHECK(remedy("convv1") == "did you mean 'conv1'?");
    CHECK(remedy("type:Conw") == "did you mean 'Conv'?");
    CHECK(remedy("relu1..convv10") == "did you mean 'conv10'?");
    CHECK(remedy("rellu1..conv10") == "did you mean 'relu1'?");
    CHECK(remedy("y..x") == "the order is from..to");
    CHECK(remedy("nothing*") != "not refused");
    CHECK(remedy("/nothing/") != "not refused");
    CHECK(remedy("/(/") == "the syntax is ECMAScript's");
}

TEST_CASE("a name that looks like a pattern is a name first", "[quantize]") {
    const auto subject = model();
    subject->graph->set_name(subject->graph->find_value("conv1")->producer(), "/layer.1/");
    subject->graph->set_name(subject->graph->find_value("conv2")->producer(), "a..b*");
    CHECK(select_nodes(*subject->graph, "/layer.1/") == Names{"/layer.1/"});
    CHECK(select_nodes(*subject->graph, "a..b*") == Names{"a..b*"});
}

TEST_CASE("what is excluded wins over what is included, and what follows a unit comes along", "[quantize]") {
    const auto subject = model();
    QuantizationScheme scheme;
    scheme.keep_float["conv2"] = "decided before";
    apply_selection(*subject->graph, {.include = {"type:Conv"}, .exclude = {"conv*0"}}, scheme);
    using Kept = std::map<std::string, std::string>;
    CHECK(scheme.keep_float ==
          Kept{{"conv2", "decided before"}, {"conv10", "excluded by 'conv*0'"}, {"y", "not among what --include names"}});
}
