#include "search/additivity.h"

#include <cmath>
#include <random>

namespace mcompress {

double correlation_of(const std::vector<Additivity::Set>& sets) {
    const auto n = static_cast<double>(sets.size());
    double x = 0.0, y = 0.0;
    for (const Additivity::Set& set : sets) {
        x += set.predicted / n;
        y += set.measured / n;
    }
    double xx = 0.0, yy = 0.0, xy = 0.0;
    for (const Additivity::Set& set : sets) {
        xx += (set.predicted - x) * (set.predicted - x);
        yy += (set.measured - y) * (set.measured - y);
        xy += (set.predicted - x) * (set.measured - y);
    }
    return xx > 0.0 && yy > 0.0 ? xy / std::sqrt(xx * yy) : 0.0;
}

Additivity check_additivity(const Engine& engine, const Graph& reference, const Graph& quantized, const std::vector<RankedSource>& ranking,
                            EffectMetric metric, const Dataset& data, std::size_t count, int threads) {
    Additivity result;
    std::mt19937 random(2015);
    for (std::size_t at = 0; at < count; ++at) {
        Additivity::Set set;
        std::vector<const NoiseSource*> chosen;
        for (const RankedSource& ranked : ranking) {
            if (random() % 2 == 0) continue;
            chosen.push_back(&ranked.source);
            set.predicted += ranked.effect;
        }
        set.sources = chosen.size();
        set.measured = effect_of(measure_set(engine, reference, quantized, chosen, data, threads), metric);
        result.sets.push_back(set);
    }
    result.correlation = correlation_of(result.sets);
    return result;
}

}  // namespace mcompress
