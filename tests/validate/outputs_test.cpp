// Decisions counted over outputs, and how far chance moves them.
#include "validate/outputs.h"

#include <cmath>
#include <random>

#include "catch.h"

using namespace mcompress;

namespace {

struct Counts {
    std::size_t rows, lost, gained;
};

ClassificationResult classification(const Counts& counts) {
    ClassificationResult result{.rows = counts.rows, .agreements = counts.rows - counts.lost - counts.gained, .has_labels = true};
    result.reference_top1 = counts.rows / 2 + counts.lost;
    result.candidate_top1 = counts.rows / 2 + counts.gained;
    result.top1_changes = counts.lost + counts.gained;
    return result;
}

}  // namespace

TEST_CASE("decisions: what one model gets right and the other does not is counted") {
    Graph graph(std::make_shared<OpsetImports>(OpsetImports{{"", 13}}));
    graph.add_output(graph.add_input("y", ValueType::tensor(DType::Float32, Shape{4, 2})));
    const std::vector<Tensor> reference{Tensor::from_values(Shape{4, 2}, std::vector<float>{1, 0, 1, 0, 0, 1, 0, 1})};
    const std::vector<Tensor> candidate{Tensor::from_values(Shape{4, 2}, std::vector<float>{1, 0, 0, 1, 1, 0, 0, 1})};
    const std::vector<std::int64_t> labels{0, 0, 0, 0};
    OutputErrors errors;
    for (int sample = 0; sample < 2; ++sample) errors.add(compare_outputs(graph, reference, candidate, labels));
    const ClassificationResult& found = errors.classification;
    CHECK(found.rows == 8);
    CHECK(found.agreements == 4);
    CHECK(found.reference_top1 == 4);
    CHECK(found.candidate_top1 == 4);
    CHECK(found.top1_changes == 4);
    CHECK(found.top1_drop() == 0.0);
}

TEST_CASE("decisions: standard errors are the spread over samples drawn again") {
    const Counts counts = GENERATE(Counts{900, 30, 20}, Counts{250, 3, 1}, Counts{4000, 400, 100});
    const ClassificationResult found = classification(counts);
    std::mt19937 random(7);
    std::discrete_distribution<int> change{static_cast<double>(counts.lost), static_cast<double>(counts.gained),
                                           static_cast<double>(counts.rows - counts.lost - counts.gained)};
    constexpr int kDraws = 4000;
    double drop = 0.0, drop_squares = 0.0, agreement = 0.0, agreement_squares = 0.0;
    for (int draw = 0; draw < kDraws; ++draw) {
        int seen[3]{};
        for (std::size_t row = 0; row < counts.rows; ++row) ++seen[change(random)];
        const double points = 100.0 * (seen[0] - seen[1]) / static_cast<double>(counts.rows);
        const double agreed = 100.0 * seen[2] / static_cast<double>(counts.rows);
        drop += points;
        drop_squares += points * points;
        agreement += agreed;
        agreement_squares += agreed * agreed;
    }
    const auto spread = [](double sum, double squares) { return std::sqrt(squares / kDraws - sum * sum / kDraws / kDraws); };
    // Larger where few rows changed: one row is added.
    const double most = counts.lost < 10 ? 1.25 : 1.05;
    CHECK(found.top1_drop_error() > 0.95 * spread(drop, drop_squares));
    CHECK(found.top1_drop_error() < most * spread(drop, drop_squares));
    CHECK(found.agreement_error() > 0.95 * spread(agreement, agreement_squares));
    CHECK(found.agreement_error() < most * spread(agreement, agreement_squares));
}

TEST_CASE("decisions: a few rows without any change prove little") {
    CHECK(classification({20, 0, 0}).top1_drop_error() > 4.0);
    CHECK(classification({20, 0, 0}).agreement_error() > 4.0);
    CHECK(classification({10000, 0, 0}).top1_drop_error() < 0.02);
}
