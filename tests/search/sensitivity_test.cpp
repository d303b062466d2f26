#include "search/sensitivity.h"

#include <cmath>
#include <random>

#include "calibrate/calibrator.h"
#include "catch.h"
#include "ir/clone.h"
#include "ir/fingerprint.h"
#include "onnx/text.h"
#include "ops/infer.h"
#include "passes/pipelines.h"
#include "search/additivity.h"
#include "search/findings.h"
#include "search/isolate.h"

using namespace mcompress;

namespace {

std::string numbers(std::size_t count, unsigned seed, double scale) {
    std::mt19937 random(seed);
    std::string text;
    for (std::size_t at = 0; at < count; ++at)
        text += (at ? ", " : "") + std::to_string(scale * (static_cast<double>(random()) / 2147483648.0 - 1.0));
    return text;
}

std::string constant(const std::string& name, const std::string& shape, std::size_t count, unsigned seed, double scale) {
    return "  " + name + " = Constant <value = float[" + shape + "] {" + numbers(count, seed, scale) + "}> ()\n";
}

/// A branch, a sum, a pooling, a Concat and a shape computed while it runs.
std::string network() {
    return "<ir_version: 8, opset_import: [\"\" : 13]>\n g (float[N, 2, 8, 8] x) => (float[N, 5] y, float[N, 4, 8, 8] side) {\n" +
           constant("w1", "4, 2, 3, 3", 72, 1, 0.4) + constant("b1", "4", 4, 2, 0.1) + constant("w2", "4, 4, 3, 3", 144, 3, 0.3) +
           constant("w3", "4, 4, 1, 1", 16, 4, 0.6) + constant("w4", "5, 128", 640, 5, 0.1) +
           R"(  zero = Constant <value = int64[1] {0}> ()
  minus = Constant <value = int64[1] {-1}> ()
  axis = Constant <value = int64[1] {0}> ()
  end = Constant <value = int64[1] {1}> ()
  c1 = Conv <pads = [1, 1, 1, 1]> (x, w1, b1)
  r1 = Relu (c1)
  c2 = Conv <pads = [1, 1, 1, 1]> (r1, w2)
  c3 = Conv (r1, w3)
  side = Add (c2, c3)
  r2 = Relu (side)
  p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r2)
  q = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r1)
  j = Concat <axis = 1> (p, q)
  shape = Shape (j)
  batch = Slice (shape, axis, end)
  target = Concat <axis = 0> (batch, minus)
  flat = Reshape (j, target)
  y = Gemm <transB = 1> (flat, w4)
})";
}

class Noise : public Dataset {
public:
    std::size_t size() const override { return 6; }
    Sample sample(std::size_t index) const override {
        std::mt19937 random(static_cast<unsigned>(index) + 77U);
        std::normal_distribution<float> normal;
        std::vector<float> values(128);
        for (float& value : values) value = normal(random);
        return {{"x", Tensor::from_values(Shape{1, 2, 8, 8}, values)}};
    }
    std::string sample_name(std::size_t index) const override { return std::to_string(index); }
};

struct Case {
    explicit Case(const std::string& text = network()) : model(parse_model(text)), exact(*model->graph), engine(make_onednn_engine()) {
        infer_types(exact);
        run_pipeline("observe", exact, {});
        table = calibrate(exact, *engine, data);
        run_pipeline("strip", exact, {});
        quantized = clone(exact);
        const PassInputs inputs{.evaluator = {}, .scheme = {}, .calibration = &table};
        run_pipeline("quantize-codes", *quantized, inputs);
        run_pipeline("quantize-take-apart", *quantized, inputs);
        sources = find_noise_sources(*quantized, {});
    }

    OutputErrors whole_graph(const NoiseSource& source) const {
        const NoiseSource* one = &source;
        return measure_set(*engine, exact, *quantized, {&one, 1}, data, 2);
    }

    const NoiseSource& named(const std::string& name) const {
        for (const NoiseSource& source : sources)
            if (source.name == name && source.kind == NoiseSource::Kind::Activation) return source;
        FAIL("no source is called " << name);
        return sources.front();
    }

    std::unique_ptr<Model> model;
    Graph& exact;
    std::unique_ptr<Engine> engine;
    Noise data;
    CalibrationTable table;
    std::unique_ptr<Graph> quantized;
    std::vector<NoiseSource> sources;
};

bool equal(const OutputErrors& a, const OutputErrors& b, double tolerance) {
    if (a.samples != b.samples || a.outputs.size() != b.outputs.size()) return false;
    for (std::size_t at = 0; at < a.outputs.size(); ++at)
        if (std::abs(a.outputs[at].noise - b.outputs[at].noise) > tolerance * (a.outputs[at].noise + 1e-12)) return false;
    return a.classification.rows == b.classification.rows && a.classification.agreements == b.classification.agreements;
}

}  // namespace

TEST_CASE("sources: what shares parameters is one, and names the nodes that hold it in integers") {
    const Case c;
    // 'r1' is quantized for two convolutions, a pooling and, through it, the Concat; the convolution in front of it writes integers only.
    const NoiseSource& r1 = c.named("r1");
    CHECK(r1.units.size() >= 3);
    CHECK(r1.op == "Relu");
    std::size_t weights = 0;
    for (const NoiseSource& source : c.sources) {
        CHECK(!source.units.empty());
        if (source.kind == NoiseSource::Kind::Weight) ++weights;
    }
    CHECK(weights == 4);
    CHECK(c.named("x").units.size() == 1);
}

TEST_CASE("keep_sources: nothing kept is the float model, everything kept the quantized one") {
    const Case c;
    const OutputErrors none = measure_set(*c.engine, c.exact, *c.quantized, {}, c.data, 1);
    CHECK(none.relative_noise() < 1e-10);
    std::vector<const NoiseSource*> all;
    for (const NoiseSource& source : c.sources) all.push_back(&source);
    const OutputErrors every = measure_set(*c.engine, c.exact, *c.quantized, all, c.data, 1);
    CHECK(every.relative_noise() > 1e-6);
    CHECK(every.relative_noise() < 1e-2);
    std::unordered_set<std::string> marks;
    for (const NoiseSource& source : c.sources) marks.insert(source.marks.begin(), source.marks.end());
    CHECK(fingerprint(*keep_sources(*c.quantized, c.exact, marks)) == fingerprint(*c.quantized));
}

TEST_CASE("sensitivity: the part that a source reaches says the same as the whole graph") {
    const Case c;
    const auto effects = measure_sources(*c.engine, c.exact, *c.quantized, c.sources, c.data, {.threads = 2});
    REQUIRE(effects.size() == c.sources.size());
    double sum = 0.0;
    for (std::size_t at = 0; at < effects.size(); ++at) {
        INFO(c.sources[at].id());
        CHECK(equal(effects[at].outputs, c.whole_graph(c.sources[at]), 1e-3));
        CHECK(effects[at].local.count > 0);
        CHECK(effects[at].local.sqnr_db() > 20.0);
        sum += effects[at].effect(EffectMetric::Sqnr);
    }
    CHECK(sum > 0.0);
    // Each part is smaller than the graph: the last weights reach one node.
    const NoiseSource& last = c.sources.back();
    const ReachedPart part = cut_to_reached(keep_sources(*c.quantized, c.exact, {last.marks.begin(), last.marks.end()}), c.exact,
                                            {last.marks.begin(), last.marks.end()});
    CHECK(part.graph->node_count() <= 2);
    CHECK(part.outputs == std::vector<std::size_t>{0});
}

TEST_CASE("sensitivity: memory, threads and interruptions change nothing") {
    const Case c;
    const auto whole = measure_sources(*c.engine, c.exact, *c.quantized, c.sources, c.data, {.threads = 1});
    std::vector<SourceEffect> state;
    std::size_t saves = 0;
    SensitivityOptions small{.threads = 2, .max_bytes = 1};
    small.save = [&](const std::vector<SourceEffect>& effects) {
        if (++saves == 3) state = effects;
    };
    const auto one_by_one = measure_sources(*c.engine, c.exact, *c.quantized, c.sources, c.data, small);
    CHECK(saves == c.data.size());
    REQUIRE(state.size() == c.sources.size());
    CHECK(state.front().outputs.samples == 3);
    SensitivityOptions resumed{.threads = 2, .known = state};
    std::size_t measured = 0;
    resumed.progress = [&](std::size_t, std::size_t total) { measured = total; };
    const auto continued = measure_sources(*c.engine, c.exact, *c.quantized, c.sources, c.data, resumed);
    CHECK(measured == 3 * c.sources.size());
    for (std::size_t at = 0; at < whole.size(); ++at) {
        CHECK(equal(whole[at].outputs, one_by_one[at].outputs, 0.0));
        CHECK(equal(whole[at].outputs, continued[at].outputs, 0.0));
        CHECK(whole[at].local.noise == continued[at].local.noise);
    }
}

TEST_CASE("sensitivity: effects add up, and correlations are Pearson's") {
    const Case c;
    const auto effects = measure_sources(*c.engine, c.exact, *c.quantized, c.sources, c.data, {.threads = 2});
    double sum = 0.0;
    for (const SourceEffect& effect : effects) sum += effect.effect(EffectMetric::Sqnr);
    std::vector<const NoiseSource*> all;
    for (const NoiseSource& source : c.sources) all.push_back(&source);
    const double together = measure_set(*c.engine, c.exact, *c.quantized, all, c.data, 2).relative_noise();
    CHECK(sum / together > 0.5);
    CHECK(sum / together < 2.0);
    CHECK(correlation_of({{1, 1.0, 2.0}, {1, 2.0, 4.0}, {1, 3.0, 6.0}}) == Approx(1.0));
    CHECK(correlation_of({{1, 1.0, 3.0}, {1, 2.0, 2.0}, {1, 3.0, 1.0}}) == Approx(-1.0));
    CHECK(correlation_of({{1, 1.0, 1.0}, {1, 2.0, 3.0}, {1, 3.0, 2.0}}) == Approx(0.5));
    CHECK(correlation_of({}) == 0.0);
}
