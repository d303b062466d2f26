// Random numbers: the generator against its published answers, and what the operators draw.
#include <cmath>
#include <limits>

#include "engine/reference/random_numbers.h"
#include "single_node.h"

using namespace mcompress;
using namespace mcompress::test;

namespace {

struct Moments {
    double mean = 0.0, deviation = 0.0;
};

Moments moments(const std::vector<float>& values) {
    Moments m;
    for (const float value : values) m.mean += static_cast<double>(value) / static_cast<double>(values.size());
    for (const float value : values)
        m.deviation += (static_cast<double>(value) - m.mean) * (static_cast<double>(value) - m.mean) / static_cast<double>(values.size());
    m.deviation = std::sqrt(m.deviation);
    return m;
}

const std::vector<std::int64_t> kMany{100, 1000};

}  // namespace

TEST_CASE("Philox4x32-10 gives the known answers of its authors' library Random123") {
    using Block = reference::RandomStream::Block;
    CHECK(reference::RandomStream(0).block(0) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    CHECK(reference::RandomStream(~std::uint64_t{0}).block(~std::uint64_t{0}, ~std::uint64_t{0}) ==
          Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    CHECK(reference::RandomStream(0x299f31d0a4093822).block(0x85a308d3243f6a88, 0x0370734413198a2e) ==
          Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random operators draw the same bytes for any number of threads") {
    for (const char* type : {"RandomNormal", "RandomUniform"}) {
        const auto draw = [&](int threads) {
            return run_node(
                {.type = type, .inputs = {}, .attributes = {attribute("shape", kMany)}, .threads = threads, .output_name = "y"})[0];
        };
        CHECK(draw(1).equals(draw(3)));
        CHECK(draw(1).equals(draw(8)));
    }
}

TEST_CASE("a seed decides what is drawn; without one the name of the output does") {
    const auto draw = [](const std::string& name, std::vector<Attribute> attributes) {
        attributes.push_back(attribute("shape", std::vector<std::int64_t>{32}));
        return run_node({.type = "RandomNormal", .inputs = {}, .attributes = std::move(attributes), .output_name = name})[0];
    };
    CHECK(draw("a", {attribute("seed", 7.0f)}).equals(draw("b", {attribute("seed", 7.0f)})));
    CHECK_FALSE(draw("a", {attribute("seed", 7.0f)}).equals(draw("a", {attribute("seed", 8.0f)})));
    CHECK(draw("a", {}).equals(draw("a", {})));
    CHECK_FALSE(draw("a", {}).equals(draw("b", {})));
}

TEST_CASE("RandomUniform and RandomNormal have the asked distributions") {
    const Moments uniform = moments(
        values_of<float>(run_node({.type = "RandomUniform",
                                   .inputs = {},
                                   .attributes = {attribute("shape", kMany), attribute("low", -2.0f), attribute("high", 4.0f)}})[0]));
    CHECK(std::abs(uniform.mean - 1.0) < 0.03);
    CHECK(std::abs(uniform.deviation - 6.0 / std::sqrt(12.0)) < 0.02);
    const Moments normal = moments(
        values_of<float>(run_node({.type = "RandomNormal",
                                   .inputs = {},
                                   .attributes = {attribute("shape", kMany), attribute("mean", 3.0f), attribute("scale", 0.5f)}})[0]));
    CHECK(std::abs(normal.mean - 3.0) < 0.01);
    CHECK(std::abs(normal.deviation - 0.5) < 0.01);
}

TEST_CASE("the …Like forms take shape and type from the input") {
    const Tensor x(DType::Float16, {3, 5});
    CHECK(run_node({.type = "RandomNormalLike", .inputs = {x}})[0].dtype() == DType::Float16);
    const auto y = run_node({.type = "RandomUniformLike", .inputs = {Tensor(DType::Int32, {2, 2})}, .attributes = {integer("dtype", 11)}});
    CHECK(y[0].dtype() == DType::Float64);
    CHECK(y[0].shape() == Shape{2, 2});
    CHECK_THROWS_AS(run_node({.type = "RandomUniformLike", .inputs = {Tensor(DType::Int32, {2, 2})}}), Error);
}

TEST_CASE("Bernoulli draws ones with the given probability") {
    Tensor x(DType::Float32, {3, 20000});
    for (std::int64_t i = 0; i < x.element_count(); ++i) x.mutable_data<float>()[i] = static_cast<float>(i / 20000) * 0.5f;
    const auto y = values_of<std::int32_t>(run_node({.type = "Bernoulli", .inputs = {x}, .attributes = {integer("dtype", 6)}})[0]);
    std::int64_t ones[3] = {};
    for (std::size_t i = 0; i < y.size(); ++i) ones[i / 20000] += y[i];
    CHECK(ones[0] == 0);
    CHECK(std::abs(static_cast<double>(ones[1]) - 10000.0) < 400.0);
    CHECK(ones[2] == 20000);
    CHECK_THROWS_AS(run_node({.type = "Bernoulli", .inputs = {tensor<float>({1}, {1.5f})}}), Error);
}

TEST_CASE("Multinomial draws classes by their log-probabilities") {
    const float none = -std::numeric_limits<float>::infinity();
    const Tensor x = tensor<float>({2, 3}, {std::log(1.0f), std::log(3.0f), none, none, none, 100.0f});
    const auto y = values_of<std::int64_t>(
        run_node({.type = "Multinomial", .inputs = {x}, .attributes = {integer("dtype", 7), integer("sample_size", 20000)}})[0]);
    std::int64_t count[2][3] = {};
    for (std::size_t i = 0; i < y.size(); ++i) ++count[i / 20000][static_cast<std::size_t>(y[i])];
    CHECK(std::abs(static_cast<double>(count[0][0]) - 5000.0) < 300.0);
    CHECK(count[0][2] == 0);
    CHECK(count[1][2] == 20000);
    CHECK_THROWS_AS(run_node({.type = "Multinomial", .inputs = {Tensor(DType::Float32, {1, 0})}}), Error);
    CHECK_THROWS_AS(run_node({.type = "Multinomial", .inputs = {tensor<float>({1, 1}, {none})}}), Error);
}

TEST_CASE("a random tensor of a size nobody can hold is refused") {
    const std::vector<std::int64_t> huge{1LL << 40, 1LL << 40};
    CHECK_THROWS_AS(run_node({.type = "RandomNormal", .inputs = {}, .attributes = {attribute("shape", huge)}}), Error);
}
