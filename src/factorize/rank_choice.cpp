#include "factorize/rank_choice.h"

#include <algorithm>

namespace mcompress {

namespace {

/// A step down a layer's hull.
struct Step {
    double slope;  // error added per cost saved
    std::size_t layer;
    std::size_t form;
    double saved;
};

/// The corners of the lower convex hull from the layer as it is (error 0) towards lower cost.
std::vector<CostedForm> hull_of(const LayerForms& layer) {
    std::vector<CostedForm> sorted = layer.forms;
    std::erase_if(sorted, [&](const CostedForm& form) { return form.cost >= layer.cost; });
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const CostedForm& a, const CostedForm& b) { return a.cost != b.cost ? a.cost > b.cost : a.error < b.error; });
    std::vector<CostedForm> hull{{0, layer.cost, 0.0}};
    for (const CostedForm& form : sorted) {
        if (form.cost == hull.back().cost) continue;
        while (hull.size() > 1) {
            const CostedForm &a = hull[hull.size() - 2], &b = hull.back();
            const double before = (b.error - a.error) * (a.cost - form.cost), whole = (form.error - a.error) * (a.cost - b.cost);
            if (before < whole) break;
            hull.pop_back();
        }
        hull.push_back(form);
    }
    return hull;
}

}  // namespace

std::vector<std::optional<std::size_t>> choose_by_error(std::span<const LayerForms> layers, double error) {
    std::vector<std::optional<std::size_t>> chosen;
    for (const LayerForms& layer : layers) {
        const CostedForm* best = nullptr;
        for (const CostedForm& form : layer.forms)
            if (form.error <= error && form.cost < layer.cost &&
                (!best || form.cost < best->cost || (form.cost == best->cost && form.error < best->error)))
                best = &form;
        chosen.push_back(best ? std::optional(best->form) : std::nullopt);
    }
    return chosen;
}

std::vector<std::optional<std::size_t>> choose_by_cost(std::span<const LayerForms> layers, double ratio) {
    std::vector<std::optional<std::size_t>> chosen(layers.size());
    std::vector<Step> steps;
    double cost = 0.0;
    for (std::size_t at = 0; at < layers.size(); ++at) {
        cost += layers[at].cost;
        const std::vector<CostedForm> hull = hull_of(layers[at]);
        for (std::size_t i = 1; i < hull.size(); ++i) {
            const double saved = hull[i - 1].cost - hull[i].cost;
            steps.push_back({(hull[i].error - hull[i - 1].error) / saved, at, hull[i].form, saved});
        }
    }
    // Slopes of one hull rise, and stable sorting keeps equal ones in order.
    std::stable_sort(steps.begin(), steps.end(), [](const Step& a, const Step& b) { return a.slope < b.slope; });
    const double limit = ratio * cost;
    for (const Step& step : steps) {
        if (cost <= limit) break;
        cost -= step.saved;
        chosen[step.layer] = step.form;
    }
    return chosen;
}

}  // namespace mcompress
