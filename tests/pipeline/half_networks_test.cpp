// Networks of random operators, converted to half precision, on both engines.
#include <algorithm>

#include "catch.h"
#include "engine/engine.h"
#include "fixtures/random_network.h"
#include "ops/infer.h"
#include "passes/compress/convert_float.h"
#include "tensor/compare.h"

using namespace mcompress;

namespace {

/// The largest difference of an output over its largest magnitude; 1 when something is not finite.
double difference(const std::vector<Tensor>& reference, const std::vector<Tensor>& found) {
    double worst = 0.0;
    for (std::size_t at = 0; at < reference.size(); ++at) {
        REQUIRE(reference[at].shape() == found[at].shape());
        REQUIRE(reference[at].dtype() == found[at].dtype());
        ErrorMeasure error;
        error.add(to_floats(reference[at]), to_floats(found[at]));
        if (error.not_finite > 0) return 1.0;
        worst = std::max(worst, error.max_reference > 0.0 ? error.relative_max() : error.max_absolute);
    }
    return worst;
}

}  // namespace

TEST_CASE("random networks in half precision", "[onednn]") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        RandomNetwork network(seed, 6, 0);
        Graph& graph = network.maker.graph();
        infer_types(graph);
        FloatConversion conversion;
        conversion.to = seed % 2 == 0 ? DType::Float16 : DType::BFloat16;
        CHECK(make_convert_float(conversion, nullptr)->run(graph).rewrites > 0);
        infer_types(graph);
        const std::vector<Tensor> inputs = network.maker.random_inputs();
        INFO("seed " << seed << ": " << network.text);
        // Sums in another order round to the neighbouring number of the type, of 11 or 8 bits, and what follows goes on from there.
        CHECK(difference(make_reference_engine()->compile(graph, {})->run(inputs), make_onednn_engine()->compile(graph, {})->run(inputs)) <
              (seed % 2 == 0 ? 2e-2 : 0.15));
    }
}
