#include "tune/row_gathering.h"

#include <malloc.h>

#include <algorithm>

#include "catch.h"
#include "onnx/text.h"

using namespace mcompress;

namespace {

constexpr std::int64_t kInputs = 1000;

/// A product that reads rows of 1000.
struct Product {
    Product() {
        model = parse_model(
            R"(<ir_version: 8, opset_import: ["" : 13]> g (float[N, 1000] x, float[1000, 1] w) => (float[N, 1] y) { y = MatMul (x, w) })");
        layer.node = model->graph->order().front();
        layer.inputs = kInputs;
        layer.outputs = layer.groups = 1;
    }
    std::unique_ptr<Model> model;
    Layer layer;
};

/// Rows of sample i hold i.
SplitRows gathered(const Layer& layer, std::size_t samples, std::int64_t positions, std::size_t bytes) {
    RowGathering gathering(layer, 3, samples, bytes);
    for (std::size_t sample = 0; sample < samples; ++sample) {
        const std::vector<float> values(static_cast<std::size_t>(positions * kInputs), static_cast<float>(sample));
        gathering.add(sample, Shape{positions, kInputs}, values.data(), [](float value) { return value; });
    }
    return gathering.split();
}

std::vector<float> first_values(const LayerRows& rows) {
    std::vector<float> found;
    for (std::int64_t row = 0; row < rows.count; ++row) found.push_back(rows.values[static_cast<std::size_t>(row * kInputs)]);
    return found;
}

}  // namespace

TEST_CASE("rows of a layer take no more memory with more samples than there may be rows", "[row_gathering]") {
    const Product product;
    for (const std::size_t samples : {100U, 256U, 257U, 1000U, 5000U}) {
        const SplitRows rows = gathered(product.layer, samples, 1, 1);
        CHECK(rows.fit.count + rows.held_out.count == static_cast<std::int64_t>(std::min<std::size_t>(samples, 256)));
        CHECK(rows.held_out.count > rows.fit.count / 8);
        std::vector<float> found = first_values(rows.fit);
        for (const float sample : found) CHECK_FALSE(held_out_samples(samples)[static_cast<std::size_t>(sample)]);
        for (const float sample : first_values(rows.held_out)) {
            CHECK(held_out_samples(samples)[static_cast<std::size_t>(sample)]);
            found.push_back(sample);
        }
        std::sort(found.begin(), found.end());
        CHECK(std::adjacent_find(found.begin(), found.end()) == found.end());
        CHECK(found.front() < 0.01F * static_cast<float>(samples));  // from the whole of the data
        CHECK(found.back() > 0.98F * static_cast<float>(samples - 1));
    }
}

TEST_CASE("rows of a layer: several of each sample where there is room", "[row_gathering]") {
    const Product product;
    const SplitRows rows = gathered(product.layer, 10, 7, 40 * kInputs * sizeof(float));
    CHECK(rows.fit.count == 8 * 7);
    CHECK(rows.held_out.count == 2 * 7);
}

#ifndef __SANITIZE_ADDRESS__  // which counts by itself
TEST_CASE("rows of a layer that were handed over are there once", "[row_gathering]") {
    const Product product;
    constexpr std::size_t kBytes = std::size_t{16} << 20;
    const auto in_use = [] {
        const struct mallinfo2 info = ::mallinfo2();
        return info.uordblks + info.hblkhd;
    };
    RowGathering gathering(product.layer, 0, 100, kBytes);
    const std::vector<float> values(41 * kInputs, 1.0F);
    for (std::size_t sample = 0; sample < 100; ++sample)
        gathering.add(sample, Shape{41, kInputs}, values.data(), [](float value) { return value; });
    const std::size_t before = in_use();
    const SplitRows rows = gathering.split();
    CHECK(rows.fit.count + rows.held_out.count == 4100);
    CHECK(in_use() < before + kBytes / 4);
}
#endif
