// StringNormalizer, StringConcat, StringSplit and TfIdfVectorizer.
#include <algorithm>
#include <map>
#include <string_view>

#include "engine/reference/broadcast.h"
#include "engine/reference/kernel_families.h"
#include "engine/reference/unicode.h"
#include "ops/attributes.h"
#include "ops/text.h"
#include "support/error.h"

namespace mcompress::reference {

namespace {

const std::vector<std::string>& strings(const KernelContext& context, int index) {
    const Tensor& x = context.required(index);
    if (x.dtype() != DType::String) context.reject_dtype(x.dtype());
    return x.strings();
}

void string_normalizer(const KernelContext& context) {
    using Case = StringNormalizerAttrs::Case;
    auto a = attrs<StringNormalizerAttrs>(context.node);
    const Shape& shape = context.required(0).shape();
    if (shape.rank() != 1 && !(shape.rank() == 2 && shape[0] == 1))
        context.reject(format("strings of shape {}, expected [count] or [1, count]", shape.to_string()));
    const bool is_exact = a.match == StringNormalizerAttrs::Match::Exact;
    const auto form = [&](const std::string& text) { return is_exact ? text : to_lower(text); };
    for (std::string& word : a.stop_words) word = form(word);
    std::sort(a.stop_words.begin(), a.stop_words.end());
    std::vector<std::string> kept;
    for (const std::string& text : strings(context, 0)) {
        if (!a.stop_words.empty() && std::binary_search(a.stop_words.begin(), a.stop_words.end(), form(text))) continue;
        kept.push_back(a.letters == Case::Lower ? to_lower(text) : a.letters == Case::Upper ? to_upper(text) : text);
    }
    if (kept.empty()) kept.emplace_back();
    const auto count = static_cast<std::int64_t>(kept.size());
    context.set_output(0, Tensor::from_strings(shape.rank() == 1 ? Shape{count} : Shape{1, count}, std::move(kept)));
}

void string_concat(const KernelContext& context) {
    const auto &a = strings(context, 0), &b = strings(context, 1);
    const Shape &a_shape = context.input(0).shape(), &b_shape = context.input(1).shape();
    const Shape shape = broadcast_shape(context, a_shape, b_shape);
    context.check_size(DType::String, shape);
    const StridedLoop<2> loop(shape, {broadcast_strides(a_shape, shape), broadcast_strides(b_shape, shape)});
    std::vector<std::string> texts;
    std::int64_t bytes = 0;
    loop.run([&](const auto& offset) {
        for (std::int64_t i = 0; i < loop.inner_size(); ++i) {
            const std::string& left = a[static_cast<std::size_t>(offset[0] + i * loop.inner_steps()[0])];
            const std::string& right = b[static_cast<std::size_t>(offset[1] + i * loop.inner_steps()[1])];
            bytes += static_cast<std::int64_t>(left.size() + right.size());
            context.check_size(DType::UInt8, Shape{bytes});
            texts.push_back(left + right);
        }
    });
    context.set_output(0, Tensor::from_strings(shape, std::move(texts)));
}

/// Parts between delimiters, empty ones included.
std::vector<std::string_view> split_at(std::string_view text, std::string_view delimiter, std::size_t most) {
    std::vector<std::string_view> parts;
    while (parts.size() < most) {
        const std::size_t at = text.find(delimiter);
        if (at == std::string_view::npos) break;
        parts.push_back(text.substr(0, at));
        text.remove_prefix(at + delimiter.size());
    }
    parts.push_back(text);
    return parts;
}

/// Words between runs of white space. What is left after the last allowed split keeps the white space at its end.
std::vector<std::string_view> split_words(std::string_view text, std::size_t most) {
    constexpr std::string_view kSpace = " \t\n\v\f\r";
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t begin = text.find_first_not_of(kSpace);
        if (begin == std::string_view::npos) return parts;
        text.remove_prefix(begin);
        const std::size_t end = parts.size() < most ? text.find_first_of(kSpace) : std::string_view::npos;
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end);
    }
}

void string_split(const KernelContext& context) {
    const auto a = attrs<StringSplitAttrs>(context.node);
    const auto& texts = strings(context, 0);
    const std::size_t most = a.max_splits ? static_cast<std::size_t>(*a.max_splits) : std::string_view::npos;
    std::vector<std::vector<std::string_view>> split;
    std::vector<std::int64_t> counts;
    std::size_t longest = 0;
    for (const std::string& text : texts) {
        split.push_back(a.delimiter.empty() ? split_words(text, most) : split_at(text, a.delimiter, most));
        counts.push_back(static_cast<std::int64_t>(split.back().size()));
        longest = std::max(longest, split.back().size());
    }
    std::vector<std::int64_t> dims = context.input(0).shape().dims();
    dims.push_back(static_cast<std::int64_t>(longest));
    context.check_size(DType::String, Shape(dims));
    std::vector<std::string> parts;
    for (const auto& each : split) {
        parts.insert(parts.end(), each.begin(), each.end());
        parts.resize(parts.size() + longest - each.size());
    }
    context.set_output(0, Tensor::from_strings(Shape(dims), std::move(parts)));
    if (context.wants_output(1)) context.set_output(1, Tensor::from_values(context.input(0).shape(), counts));
}

/// The n-grams of a pool as a tree: from a node by an item to the next; a node that ends an n-gram holds its number.
template <typename Item> class GramTree {
public:
    GramTree(const KernelContext& context, const TfIdfVectorizerAttrs& a, const std::vector<Item>& pool) {
        std::size_t gram = 0;
        for (std::size_t n = 0; n < a.starts.size(); ++n) {
            const auto end = static_cast<std::size_t>(n + 1 < a.starts.size() ? a.starts[n + 1] : static_cast<std::int64_t>(pool.size()));
            const bool counts = static_cast<std::int64_t>(n) + 1 >= a.min_length && static_cast<std::int64_t>(n) + 1 <= a.max_length;
            for (auto at = static_cast<std::size_t>(a.starts[n]); at < end; at += n + 1, ++gram) {
                if (!counts) continue;
                int node = 0;
                for (std::size_t i = 0; i <= n; ++i) node = child(node, pool[at + i]);
                if (!grams_.emplace(node, gram).second) context.reject("an n-gram stands in the pool twice");
            }
        }
    }

    /// Calls found(n-gram) for every n-gram that begins at items[first] with `step` items from one to the next.
    template <typename Found>
    void match(const Item* items, std::int64_t count, std::int64_t first, std::int64_t step, std::int64_t min_length,
               std::int64_t max_length, Found&& found) const {
        int node = 0;
        for (std::int64_t length = 1, at = first; length <= max_length && at < count; ++length, at += step) {
            const auto next = children_.find({node, items[at]});
            if (next == children_.end()) return;
            node = next->second;
            const auto gram = grams_.find(node);
            if (length >= min_length && gram != grams_.end()) found(gram->second);
        }
    }

private:
    int child(int node, const Item& item) {
        return children_.emplace(std::pair(node, item), static_cast<int>(children_.size()) + 1).first->second;
    }

    std::map<std::pair<int, Item>, int> children_;
    std::map<int, std::size_t> grams_;
};

template <typename Item>
void count_grams(const KernelContext& context, const TfIdfVectorizerAttrs& a, const std::vector<Item>& items,
                 const std::vector<Item>& pool) {
    using Mode = TfIdfVectorizerAttrs::Mode;
    const Shape& shape = context.input(0).shape();
    if (shape.rank() != 1 && shape.rank() != 2)
        context.reject(format("an input of shape {}, expected one or two dimensions", shape.to_string()));
    const std::int64_t rows = shape.rank() == 2 ? shape[0] : 1, count = shape[shape.rank() - 1], size = a.output_size();
    const GramTree<Item> tree(context, a, pool);
    Tensor& y = context.make_output(0, DType::Float32, shape.rank() == 2 ? Shape{rows, size} : Shape{size});
    float* to = y.mutable_data<float>();
    std::fill_n(to, y.element_count(), 0.0f);
    for (std::int64_t row = 0; row < rows; ++row) {
        std::vector<std::int64_t> counts(a.indexes.size(), 0);
        // Single items do not depend on the distance, so they are counted once.
        for (std::int64_t step = 1; step <= std::min(a.max_skips, count) + 1; ++step)
            for (std::int64_t first = 0; first < count; ++first)
                tree.match(items.data() + row * count, count, first, step,
                           step == 1 ? a.min_length : std::max<std::int64_t>(2, a.min_length), a.max_length,
                           [&](std::size_t gram) { ++counts[gram]; });
        for (std::size_t gram = 0; gram < counts.size(); ++gram) {
            const float weight = a.weights.empty() || a.mode == Mode::Tf ? 1.0f : a.weights[gram];
            const float amount = a.mode == Mode::Idf ? (counts[gram] > 0 ? 1.0f : 0.0f) : static_cast<float>(counts[gram]);
            to[row * size + a.indexes[gram]] += amount * weight;
        }
    }
}

void tf_idf_vectorizer(const KernelContext& context) {
    const auto a = attrs<TfIdfVectorizerAttrs>(context.node);
    const Tensor& x = context.required(0);
    if (x.dtype() == DType::String) {
        if (!a.pool_integers.empty()) context.reject("the pool holds integers, the input strings");
        return count_grams(context, a, x.strings(), a.pool_strings);
    }
    if (!a.pool_strings.empty()) context.reject("the pool holds strings, the input does not");
    const auto items = integers_of(x);
    if (!items) context.reject_dtype(x.dtype());
    count_grams(context, a, *items, a.pool_integers);
}

// clang-format off
constexpr KernelRow kRows[] = {
    {"", "StringConcat", string_concat},
    {"", "StringNormalizer", string_normalizer},
    {"", "StringSplit", string_split},
    {"", "TfIdfVectorizer", tf_idf_vectorizer},
};
// clang-format on

}  // namespace

std::span<const KernelRow> text_kernels() { return kRows; }

}  // namespace mcompress::reference
