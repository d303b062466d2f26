// What goes into layers, in the float and in the compressed graph: rows of their im2col matrices at a few positions of every sample.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/engine.h"
#include "tune/layer.h"

namespace mcompress {

/// Rows of one layer's input, group by group: [groups][count][inputs].
struct LayerRows {
    std::int64_t count = 0;
    std::vector<float> values;
    std::vector<float>
        residual;  // [count][groups * outputs]: what is added to the layer's results at the same places; empty when it was not asked for or is not there

    std::span<const float> of_group(const Layer& layer, std::int64_t group) const;
};

/// Rows to fit to, and rows to judge by; of other samples.
struct SplitRows {
    LayerRows fit;
    LayerRows held_out;
};

/// What rows of a product behind a global average pool are: the pooled pictures, one a sample; or also averages over parts of each picture, which are as
/// good a row of it and many more.
enum class PooledRows { Whole, Parts };

/// Whether what a sum behind a layer adds to its results is read, too (residual.h).
enum class ResidualRows { Without, With };

struct RowOptions {
    std::size_t bytes_per_layer = std::size_t{8} << 20;  // of rows of one graph, both parts together
    int threads = 1;
    // GraphPrefix: of what lies between two layers, for all samples together. What is more is computed again. Unless it is said, what a hundred samples need, whatever their number.
    std::optional<std::size_t> kept_bytes = {};
    PooledRows pooled = PooledRows::Whole;          // GraphPrefix
    ResidualRows residual = ResidualRows::Without;  // GraphPrefix of float graphs
};

/// Values to be read at the positions of a layer's results.
struct PositionRead {
    Layer at;  // its window and positions. As one group: `inputs` numbers are read of `windows` and `outputs` of `results` at each
    std::string windows;  // a value with the height and width of the layer's input; as im2col rows, not a number in the padding
    std::string results;  // a value with those of its results; empty: none
    std::size_t bytes = std::size_t{8} << 20;  // of the windows, both parts together
};

/// Whether what lies in front of a layer is kept while a graph is walked through: not while layers behind it may still change.
enum class KeepValues { Yes, No };

/// Which samples are held out, by sample: those that split_samples() holds out.
std::vector<bool> held_out_samples(std::size_t count);

/// Rows of the inputs of several layers in the float graph, spread evenly over the samples and, jittered by a hash of sample and layer, over the positions
/// of each: at least 256 in all where there are so many, at most 8192. The same for any number of threads. `first` is the number of the first layer in the
/// whole list.
std::vector<SplitRows> sample_exact_rows(const Engine& engine, const Graph& reference, std::span<const Layer> layers, std::size_t first,
                                         const Dataset& data, const RowOptions& options);

/// Walks through a quantized or a float graph layer by layer with all samples at once, so that each layer runs once a sample whatever happens to the weights
/// of layers not reached yet. What lies between the layers done and those to come is kept, as codes where it is quantized.
class GraphPrefix {
public:
    /// The graph is a float one, or one on which "quantize-codes" ran; it may change behind the layer that rows_of() was asked for last.
    GraphPrefix(const Engine& engine, const Graph& graph, std::span<const Layer> layers, const Dataset& data, const RowOptions& options);

    /// Bytes one sample needs at most at a time, for the shapes of the first sample.
    std::size_t bytes_per_sample() const { return bytes_per_sample_; }

    /// Rows at the positions that sample_exact_rows() reads of the same layer. Layers in rising order. Without keeping, what comes later starts from where the last
    /// layer started whose values were kept: layers from that one on may change.
    SplitRows rows_of(std::size_t layer, KeepValues keep = KeepValues::Yes);

    /// Rows of what is read, results as residuals, in a float graph; computed from the last values that were kept. `number` seeds the positions.
    SplitRows rows_at(const PositionRead& read, std::size_t number);

private:
    using Kept = std::map<std::string, Tensor>;  // by the value's name
    std::vector<std::string> crossing(std::size_t layer) const;
    const Value* residual_value(const Layer& layer) const;
    void measure_first_sample();
    std::size_t kept_bytes() const;

    const Engine& engine_;
    const Graph& graph_;
    std::vector<Layer> layers_;
    const Dataset& data_;
    RowOptions options_;
    std::vector<std::vector<std::string>> crossing_;  // by layer: names of the values to keep in front of it
    std::vector<Kept> kept_;                          // by sample
    std::vector<std::size_t> crossing_bytes_;         // of them, for one sample
    std::size_t bytes_per_sample_ = 0;
};

}  // namespace mcompress
