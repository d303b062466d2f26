#include "tune/choose_ranges.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>
#include <unordered_map>

#include "engine/bind_inputs.h"
#include "engine/plan_cache.h"
#include "ir/clone.h"
#include "ir/qualified_name.h"
#include "passes/pipelines.h"
#include "passes/quantize/attention_mask.h"
#include "passes/quantize/quantization_plan.h"
#include "passes/quantize/unseen_range.h"
#include "quant/fake_quantize.h"
#include "support/format.h"
#include "support/log.h"
#include "support/parallel.h"
#include "tune/range_candidates.h"
#include "tune/range_contest.h"
#include "tune/samples.h"
#include "tune/trial.h"

namespace mcompress {
namespace {

// Multiply-accumulates that may go into the search; what a run costs decides on how many samples it is made.
constexpr double kBalancedMacs = 8e11, kMaxMacs = 8e12;
constexpr double kNegligible = 0.01;
constexpr double kMacsAnElement = 16.0, kQueriesASearch = 8.0;
constexpr std::size_t kFewestSearched = 16;
constexpr std::size_t kFewestSamples = 4, kMostSamples = 40, kMostSamplesMax = 400;
// Memory must not grow with the number of samples: of the four fifths of a hundred that are fitted to all outputs are kept, of more samples what fits.
constexpr std::size_t kAlwaysKept = 80;
constexpr std::size_t kKeptBytes = std::size_t{16} << 20;

/// Whether each channel is one number.
bool is_pooled(const Value& value) {
    const std::optional<Dims>& dims = value.type().dims;
    if (!dims || dims->size() < 3) return false;
    return std::all_of(dims->begin() + 2, dims->end(), [](const Dim& dim) { return dim.extent() == 1; });
}

class RangeSearch {
public:
    RangeSearch(const Graph& graph, const CalibrationTable& table, Tuning& tuning)
        : graph_(graph),
          table_(table),
          tuning_(tuning),
          split_(split_samples(tuning.data)),
          engine_(make_onednn_engine()),
          observed_(clone(graph)),
          plans_(*engine_, *observed_, {.threads = 1, .tap_access = TapAccess::Writable}),
          counter_(tuning.progress, "choosing ranges", split_.fit->size()) {
        run_pipeline("observe", *observed_, {.evaluator = {}, .scheme = tuning.scheme});
    }

    void run() {
        collect();
        if (contests_.empty()) return;
        look_at_samples();
        ask(next());
        leave_out_what_does_not_matter();
        counter_.expect(expected_runs(static_cast<std::size_t>(
            std::count_if(contests_.begin(), contests_.end(), [](const RangeContest& contest) { return contest.matters; }))));
        do {
            for (std::vector<Query> queries = next(); !queries.empty(); queries = next()) ask(queries);
        } while (refine());
        for (const RangeContest& contest : contests_) log_debug("range of '{}': {}", contest.name, describe(contest));
        keep_the_best();
        counter_.finish();
    }

private:
    struct Query {
        std::size_t contest;
        std::size_t candidate;
    };

    void collect() {
        const QuantizationScheme& scheme = tuning_.scheme;
        for (const ObservedValue& observed : plan_quantization(graph_, scheme).observed) {
            if (observed.graph != &graph_ || observed.is_captured()) continue;
            const std::string qualified = qualified_name(*observed.value);
            const auto found = table_.values.find(qualified);
            if (found == table_.values.end() || scheme.ranges.contains(qualified)) continue;
            const TensorStatistics& statistics = found->second;
            if (statistics.count == 0 || statistics.nan_count + statistics.infinite_count > 0) continue;
            if (holds_attention_mask(*observed.value, statistics)) continue;
            RangeContest contest{.name = observed.value->name(), .qualified = qualified, .dtype = scheme.activation_dtype};
            if (const auto other = scheme.activation_dtypes.find(qualified); other != scheme.activation_dtypes.end())
                contest.dtype = other->second;
            const std::optional<ValueRange> wider = unseen_range(*observed.value, statistics, scheme);
            // Samples to come may go farther, and what is clipped of a pooled channel is lost for the whole picture: those there are do not tell.
            if (wider && is_pooled(*observed.value)) continue;
            contest.candidates = range_candidates(statistics, wider);
            if (contest.candidates.size() < 2) continue;
            contest.noise.resize(contest.candidates.size());
            contest.start = contest.best =
                nearest_candidate(contest.candidates, wider ? *wider : find_range_method(scheme.range_method).choose(statistics));
            contests_.push_back(std::move(contest));
        }
    }

    /// All samples to fit to are run once, for their outputs and for how far out each value lies in them.
    void look_at_samples() {
        const std::size_t count = limit_by_outputs();
        samples_ = count;
        const std::size_t likely = std::max(std::min(contests_.size(), kFewestSearched), contests_.size() / 2);
        counter_.expect(count + contests_.size() * std::min(count, affordable_samples()) + expected_runs(likely));
        expected_.resize(std::min(count, most_kept_));
        std::vector<TrialResult> exact(count);
        std::vector<std::vector<ValueRange>> extremes(contests_.size(), std::vector<ValueRange>(count));
        std::unordered_map<std::string_view, std::size_t> numbers;
        for (std::size_t at = 0; at < contests_.size(); ++at) numbers.emplace(contests_[at].name, at);
        parallel_for(count, tuning_.threads, [&](int, std::size_t sample) {
            const std::vector<Tensor> inputs = bind_inputs(*observed_, split_.fit->sample(sample));
            std::vector<Tensor> outputs = plans_.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
                const auto found = numbers.find(value.name());
                if (found == numbers.end() || tensor.dtype() != DType::Float32) return;
                const ValueSummary summary = summarize(tensor.values<float>());
                extremes[found->second][sample] = {summary.min, summary.max};
            });
            exact[sample] = compare_outputs(outputs, outputs);
            if (sample < expected_.size()) expected_[sample] = std::move(outputs);
            counter_.advance();
        });
        TrialResult sum;
        for (const TrialResult& each : exact) sum.add(each);
        for (const ErrorMeasure& output : sum.outputs) energy_.push_back(output.signal / static_cast<double>(count));
        for (std::size_t at = 0; at < contests_.size(); ++at) contests_[at].choose_witnesses(extremes[at], affordable_samples());
    }

    /// How many samples are looked at, and how many samples' outputs are kept. Finds what a run costs with the shapes of the first one: those in the graph may be unknown.
    std::size_t limit_by_outputs() {
        constexpr std::size_t kOutputBytes = std::size_t{48} << 20;
        const std::vector<Tensor> inputs = bind_inputs(*observed_, split_.fit->sample(0));
        const auto plan = plans_.plan_for(inputs);
        for (const StepInfo& step : plan->steps()) macs_ += static_cast<double>(step.macs);
        std::size_t bytes = 1;
        for (const Tensor& output : plan->run(inputs))
            if (output.defined()) bytes += output.byte_size();
        most_kept_ = std::max(kAlwaysKept, kKeptBytes / bytes);
        return std::max<std::size_t>(1, std::min(split_.fit->size(), kOutputBytes / bytes));
    }

    double affordable_runs() const {
        const double allowed = tuning_.scheme.effort == Effort::Max ? kMaxMacs : kBalancedMacs;
        double elements = 0.0;  // observed in one run: what is moved costs as well
        for (const auto& [name, statistics] : table_.values)
            elements += static_cast<double>(statistics.count) / static_cast<double>(std::max<std::uint64_t>(statistics.samples, 1));
        return allowed / (macs_ + kMacsAnElement * elements + 1e6);
    }

    std::size_t affordable_samples() const {
        constexpr double kQueriesAValue = 5.0;
        const double affordable = affordable_runs() / (kQueriesAValue * static_cast<double>(contests_.size()));
        const std::size_t most = tuning_.scheme.effort == Effort::Max ? kMostSamplesMax : kMostSamples;
        return static_cast<std::size_t>(std::clamp(affordable, static_cast<double>(kFewestSamples), static_cast<double>(most)));
    }

    /// Values that make up the last hundredth of all noise cannot be what it depends on; of the others as many as are affordable, those with most noise.
    void leave_out_what_does_not_matter() {
        std::vector<std::pair<double, std::size_t>> order;
        double whole = 0.0;
        for (std::size_t at = 0; at < contests_.size(); ++at) {
            order.push_back({-contests_[at].mean_noise(contests_[at].start), at});
            whole -= order.back().first;
        }
        std::sort(order.begin(), order.end());
        const double runs = affordable_runs() / static_cast<double>(contests_.front().witnesses.size());
        const double searched = (runs - static_cast<double>(contests_.size())) / kQueriesASearch;
        double rest = whole;
        for (std::size_t place = 0; place < order.size(); ++place) {
            contests_[order[place].second].matters =
                place < kFewestSearched || (rest > kNegligible * whole && static_cast<double>(place) < searched);
            rest += order[place].first;
        }
    }

    /// For progress: runs of the graph that searching the ranges of so many values should take, and judging them.
    std::size_t expected_runs(std::size_t searched) const {
        const auto queries = static_cast<std::size_t>(kQueriesASearch) * searched;
        return queries * std::min(samples_, affordable_samples()) + split_.held_out->size();
    }

    bool refine() {
        bool found = false;
        for (RangeContest& contest : contests_) found = contest.refine() || found;
        return found;
    }

    std::vector<Query> next() {
        std::vector<Query> queries;
        for (std::size_t at = 0; at < contests_.size(); ++at)
            for (const std::size_t candidate : contests_[at].wanted()) queries.push_back({at, candidate});
        return queries;
    }

    /// Each query on each of its witnesses; a sample is made once for all queries that look at it.
    void ask(const std::vector<Query>& queries) {
        std::map<std::size_t, std::vector<std::pair<std::size_t, std::size_t>>> by_sample;  // query, witness
        for (std::size_t query = 0; query < queries.size(); ++query) {
            RangeContest& contest = contests_[queries[query].contest];
            contest.noise[queries[query].candidate].resize(contest.witnesses.size());
            for (std::size_t witness = 0; witness < contest.witnesses.size(); ++witness)
                by_sample[contest.witnesses[witness].sample].push_back({query, witness});
        }
        std::size_t runs = 0;
        for (const auto& [sample, looks] : by_sample) runs += looks.size();
        counter_.expect_at_least(runs + split_.held_out->size());
        const std::vector tasks(by_sample.begin(), by_sample.end());
        parallel_for(tasks.size(), tuning_.threads, [&](int, std::size_t task) {
            const auto& [sample, looks] = tasks[task];
            const std::vector<Tensor> inputs = bind_inputs(*observed_, split_.fit->sample(sample));
            const std::vector<Tensor> expected = sample < expected_.size() ? expected_[sample] : plans_.plan_for(inputs)->run(inputs);
            for (const auto& [query, witness] : looks) {
                RangeContest& contest = contests_[queries[query].contest];
                contest.noise[queries[query].candidate][witness] = noise_with(contest, queries[query].candidate, inputs, expected);
                counter_.advance();
            }
        });
        for (RangeContest& contest : contests_) contest.settle();
    }

    double noise_with(const RangeContest& contest, std::size_t candidate, const std::vector<Tensor>& inputs,
                      const std::vector<Tensor>& expected) const {
        const QuantParams params = choose_params(contest.candidates[candidate], contest.dtype, tuning_.scheme.activation_symmetry);
        const auto outputs = plans_.plan_for(inputs)->run(inputs, [&](const Value& value, const Tensor& tensor) {
            if (value.name() == contest.name && tensor.dtype() == DType::Float32) fake_quantize(writable_values(tensor), params);
        });
        return relative_noise(compare_outputs(expected, outputs));
    }

    /// Of one sample, over the mean energy of each output.
    double relative_noise(TrialResult sample) const {
        for (std::size_t at = 0; at < sample.outputs.size(); ++at) sample.outputs[at].signal = energy_[at];
        return sample.relative_noise();
    }

    /// Values whose range changes, those with the greatest gain first.
    std::vector<const RangeContest*> changed() const {
        std::vector<const RangeContest*> found;
        for (const RangeContest& contest : contests_)
            if (contest.is_certain()) found.push_back(&contest);
        std::stable_sort(found.begin(), found.end(), [](const RangeContest* a, const RangeContest* b) {
            return a->mean_noise(a->start) - a->mean_noise(a->best) > b->mean_noise(b->start) - b->mean_noise(b->best);
        });
        return found;
    }

    /// Each change is judged alone, but what is clipped here and there of one sample adds up: fewer changes, or smaller ones, may be better together.
    void keep_the_best() {
        struct Variant {
            double share;  // of the changes
            float way;     // from the default range
        };
        constexpr Variant kVariants[] = {{1.0, 1.0f}, {1.0, 0.5f}, {0.5, 1.0f}, {0.25, 1.0f}};
        const std::vector<const RangeContest*> changes = changed();
        if (changes.empty()) return;
        const Trial trial(*engine_, graph_, *split_.held_out, tuning_.threads);
        const double before = trial.measure(*quantized_copy(graph_, tuning_.scheme, table_)).sqnr_db();
        double after = before;
        std::size_t kept = 0;
        QuantizationScheme best = tuning_.scheme;
        for (const Variant& variant : kVariants) {
            const auto count = static_cast<std::size_t>(std::ceil(variant.share * static_cast<double>(changes.size())));
            QuantizationScheme scheme = tuning_.scheme;
            for (std::size_t at = 0; at < count; ++at) scheme.ranges[changes[at]->qualified] = changes[at]->part_of_the_way(variant.way);
            const double found = trial.measure(*quantized_copy(graph_, scheme, table_)).sqnr_db();
            log_debug("{} of {} changes of ranges, {:g} of the way: {:.2f} dB, {:.2f} dB without", count, changes.size(), variant.way,
                      found, before);
            if (found <= after) continue;
            after = found;
            kept = count;
            best = std::move(scheme);
        }
        tuning_.scheme = std::move(best);
        tuning_.notes.push_back(
            {"ranges", "",
             format("{} of {} ranges chosen by their effect on the outputs of {} of {} samples each; output SQNR on {} "
                    "others {:.2f} -> {:.2f} dB",
                    kept, contests_.size(), contests_.front().witnesses.size(), samples_, trial.samples(), before, after)});
    }

    static std::string describe(const RangeContest& contest) {
        std::string text = format("start {}, best {}{}:", contest.start, contest.best, contest.is_certain() ? "" : " by chance");
        for (std::size_t at = 0; at < contest.candidates.size(); ++at) {
            const ValueRange& range = contest.candidates[at];
            text += format(" [{:.4g}, {:.4g}]", range.min, range.max);
            if (!contest.noise[at].empty()) text += format(" {:.2f} dB", -10.0 * std::log10(contest.mean_noise(at)));
        }
        return text;
    }

    const Graph& graph_;
    const CalibrationTable& table_;
    Tuning& tuning_;
    SampleSplit split_;
    std::unique_ptr<Engine> engine_;
    std::unique_ptr<Graph> observed_;
    mutable PlanCache plans_;
    StageCounter counter_;
    double macs_ = 0.0;  // of a run
    std::vector<RangeContest> contests_;
    std::size_t samples_ = 0, most_kept_ = 0;
    std::vector<std::vector<Tensor>> expected_;  // by sample: of the first ones
    std::vector<double> energy_;                 // by output: the mean over the samples
};

}  // namespace

void choose_ranges(const Graph& graph, const CalibrationTable& table, Tuning& tuning) {
    if (tuning.scheme.effort == Effort::Fast || tuning.scheme.range_method != "auto") return;
    RangeSearch(graph, table, tuning).run();
}

}  // namespace mcompress
