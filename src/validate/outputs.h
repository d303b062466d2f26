// How far the outputs of a candidate are from those of a reference: errors, decisions, divergence.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/graph.h"
#include "tensor/compare.h"
#include "tensor/tensor.h"

namespace mcompress {

/// Decisions by the greatest element of the first output's last axis; a sample with several rows counts each.
struct ClassificationResult {
    std::size_t rows = 0;
    std::size_t agreements = 0;  // both models choose the same class
    double divergence = 0.0;     // Σ over the rows of KL(reference ‖ candidate) in nats, of the scores after softmax
    bool has_labels = false;
    std::size_t reference_top1 = 0;
    std::size_t reference_top5 = 0;
    std::size_t candidate_top1 = 0;
    std::size_t candidate_top5 = 0;
    std::size_t top1_changes = 0;  // rows that one of the models gets right and the other does not

    double agreement() const { return share(agreements); }
    /// Percentage points of top-1 that the candidate loses. Counted, not subtracted as shares: 3 of 1000 are 0.3 points exactly.
    double top1_drop() const {
        return rows == 0 ? 0.0
                         : 100.0 * (static_cast<double>(reference_top1) - static_cast<double>(candidate_top1)) / static_cast<double>(rows);
    }
    /// Standard errors in points: how far chance in the choice of the samples moves the drop, and the share of decisions that agree. That of the drop is of paired
    /// decisions, with half a row added to each kind of change (Agresti and Min 2005) and one row to the agreements and disagreements, so that few rows without any change
    /// do not seem to prove that there is none.
    double top1_drop_error() const;
    double agreement_error() const;
    double mean_divergence() const { return rows == 0 ? 0.0 : divergence / static_cast<double>(rows); }
    double share(std::size_t hits) const { return rows == 0 ? 0.0 : static_cast<double>(hits) / static_cast<double>(rows); }
};

/// Sums over one or more samples; for equal results add them in a fixed order.
struct OutputErrors {
    std::size_t samples = 0;
    std::vector<ErrorMeasure> outputs;  // in the graph's order; empty measures for outputs that are no numbers
    ClassificationResult classification;
    bool classifies = true;  // the first output was [rows, classes] (or [rows, classes, 1, 1]) in every sample

    void add(const OutputErrors& other);
    /// Noise energy over signal energy, averaged over the outputs that are numbers; where an output is not finite, or has no signal to compare
    /// with, at least 1.
    double relative_noise() const;
    /// The least SQNR over the outputs in dB: infinite when all are equal, -infinity when one is not finite.
    double worst_sqnr_db() const;
};

/// Compares one sample's outputs. Labels: none, one for all rows, or one a row. Throws kDataMismatch when shapes differ, kLabelsMismatch when the
/// labels do not fit.
OutputErrors compare_outputs(const Graph& reference_graph, std::span<const Tensor> reference, std::span<const Tensor> candidate,
                             std::span<const std::int64_t> labels = {});

}  // namespace mcompress
