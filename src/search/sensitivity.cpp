#include "search/sensitivity.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <unordered_map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "search/isolate.h"
#include "support/error.h"
#include "support/parallel.h"
#include "validate/reference_outputs.h"

namespace mcompress {
namespace {

using Marks = std::unordered_set<std::string>;
using Activations = std::unordered_map<const Value*, Tensor>;

Marks marks_of(const NoiseSource& source) { return {source.marks.begin(), source.marks.end()}; }

ReachedPart part_of(const Graph& quantized, const Graph& reference, const Marks& marks) {
    return cut_to_reached(keep_sources(quantized, reference, marks), reference, marks);
}

/// One sample in the float model.
struct KnownSample {
    Activations values;
    std::vector<Tensor> outputs;
    std::size_t bytes = 0;
};

/// The float model, with the activations that the sources start from.
class Prefix {
public:
    Prefix(const Engine& engine, const Graph& reference, const std::vector<const Value*>& wanted)
        : reference_(reference), plans_(engine, reference, {.threads = 1, .tapped = computed(wanted)}) {
        wanted_.insert(wanted.begin(), wanted.end());
    }

    KnownSample run(const Sample& sample) {
        const std::vector<Tensor> inputs = bind_inputs(reference_, sample);
        KnownSample known;
        for (std::size_t at = 0; at < inputs.size(); ++at)
            if (wanted_.contains(reference_.inputs()[at])) known.values.emplace(reference_.inputs()[at], inputs[at]);
        known.outputs = plans_.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
            if (wanted_.contains(&value)) known.values.insert_or_assign(&value, tensor);
        });
        for (const auto& [value, tensor] : known.values) known.bytes += tensor.defined() ? tensor.byte_size() : 0;
        for (const Tensor& tensor : known.outputs) known.bytes += tensor.defined() ? tensor.byte_size() : 0;
        return known;
    }

private:
    static std::vector<const Value*> computed(const std::vector<const Value*>& values) {
        std::vector<const Value*> result;
        for (const Value* value : values)
            if (value->producer()) result.push_back(value);
        return result;
    }

    const Graph& reference_;
    PlanCache plans_;
    std::unordered_set<const Value*> wanted_;
};

/// What the sources' parts read, and what they change.
std::vector<const Value*> wanted_values(const Graph& reference, const Graph& quantized, std::span<const NoiseSource> sources) {
    std::unordered_set<const Value*> seen;
    std::vector<const Value*> wanted;
    const auto want = [&](const Value* value) {
        if (value && !value->is_constant() && seen.insert(value).second) wanted.push_back(value);
    };
    for (const NoiseSource& source : sources) {
        const ReachedPart part = part_of(quantized, reference, marks_of(source));
        for (const Value* value : part.inputs) want(value);
        if (!part.changed_exact.empty()) want(part.changed_exact.front());
    }
    return wanted;
}

Tensor known_value(const KnownSample& known, const Value* value) {
    const auto found = known.values.find(value);
    return found == known.values.end() ? Tensor() : found->second;
}

/// Runs one source's part on a group of samples.
class PartRunner {
public:
    PartRunner(const Engine& engine, const Graph& reference, ReachedPart part)
        : reference_(reference), part_(std::move(part)), plans_(engine, *part_.graph, {.threads = 1, .tapped = tapped()}) {}

    void run(const KnownSample& known, SourceEffect& effect) {
        std::vector<Tensor> inputs;
        for (const Value* value : part_.inputs) inputs.push_back(known_value(known, value));
        const Value* changed = part_.changed.empty() ? nullptr : part_.changed.front();
        Tensor found;
        std::vector<Tensor> outputs = known.outputs;
        if (!part_.graph->outputs().empty()) {
            const auto reached = plans_.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
                if (&value == changed) found = tensor;
            });
            for (std::size_t at = 0; at < reached.size(); ++at) outputs[part_.outputs[at]] = reached[at];
        }
        effect.outputs.add(compare_outputs(reference_, known.outputs, outputs));
        const Tensor exact = changed ? known_value(known, part_.changed_exact.front()) : Tensor();
        if (found.defined() && exact.defined() && found.shape() == exact.shape()) effect.local.add(to_floats(exact), to_floats(found));
    }

private:
    std::vector<const Value*> tapped() const {
        if (part_.changed.empty() || !part_.changed_exact.front()) return {};
        return {part_.changed.front()};
    }

    const Graph& reference_;
    ReachedPart part_;
    PlanCache plans_;
};

}  // namespace

double effect_of(const OutputErrors& errors, EffectMetric metric) {
    if (metric == EffectMetric::Sqnr) return errors.relative_noise();
    if (!errors.classifies)
        throw Error(codes::kUsage, "the metric needs a classifier: the first output is not [samples, classes]", "use --metric sqnr");
    return metric == EffectMetric::Divergence ? errors.classification.mean_divergence() : 1.0 - errors.classification.agreement();
}

double SourceEffect::effect(EffectMetric metric) const { return effect_of(outputs, metric); }

std::vector<SourceEffect> measure_sources(const Engine& engine, const Graph& reference, const Graph& quantized,
                                          std::span<const NoiseSource> sources, const Dataset& data, const SensitivityOptions& options) {
    std::vector<SourceEffect> effects(sources.size());
    std::size_t next = sources.empty() ? data.size() : 0;
    for (std::size_t at = 0; at < sources.size(); ++at) {
        effects[at].id = sources[at].id();
        for (const SourceEffect& known : options.known)
            if (known.id == effects[at].id) effects[at] = known;
        next = at == 0 ? effects[at].outputs.samples : std::min(next, effects[at].outputs.samples);
    }
    Prefix prefix(engine, reference, wanted_values(reference, quantized, sources));
    const std::size_t total = sources.size() * (data.size() - std::min(next, data.size()));
    std::size_t done = 0;
    std::mutex mutex;
    while (next < data.size()) {
        std::vector<KnownSample> group;
        std::size_t bytes = 0;
        do {
            group.push_back(prefix.run(data.sample(next + group.size())));
            bytes += group.back().bytes;
        } while (next + group.size() < data.size() && bytes + group.back().bytes <= options.max_bytes);
        parallel_for(sources.size(), options.threads, [&](int, std::size_t at) {
            PartRunner runner(engine, reference, part_of(quantized, reference, marks_of(sources[at])));
            for (std::size_t in_group = 0; in_group < group.size(); ++in_group)
                if (effects[at].outputs.samples == next + in_group) runner.run(group[in_group], effects[at]);
            const std::lock_guard lock(mutex);
            done += group.size();
            if (options.progress) options.progress(done, total);
        });
        next += group.size();
        if (options.save) options.save(effects);
    }
    return effects;
}

OutputErrors measure_set(const Engine& engine, const Graph& reference, const Graph& quantized, std::span<const NoiseSource* const> set,
                         const Dataset& data, int threads) {
    Marks marks;
    for (const NoiseSource* source : set) marks.insert(source->marks.begin(), source->marks.end());
    const std::unique_ptr<Graph> graph = keep_sources(quantized, reference, marks);
    PlanCache exact(engine, reference, {.threads = 1}), plans(engine, *graph, {.threads = 1});
    std::vector<OutputErrors> results(data.size());
    parallel_for(data.size(), threads, [&](int, std::size_t index) {
        const std::vector<Tensor> inputs = bind_inputs(reference, data.sample(index));
        results[index] = compare_outputs(reference, exact.plan_for(inputs)->run(inputs), plans.plan_for(inputs)->run(inputs));
    });
    OutputErrors sum;
    for (const OutputErrors& result : results) sum.add(result);
    return sum;
}

}  // namespace mcompress
