// Operators of detection and image geometry.
#include "ops/vision.h"

#include "ops/infer_rules.h"
#include "ops/rows.h"
#include "ops/shape.h"

namespace mcompress {

namespace {

void infer_non_max_suppression(InferContext& context) { context.set_output(0, ValueType::tensor(DType::Int64, Dims{Dim(), Dim(3)})); }

void infer_roi_align(InferContext& context) {
    const RoiAlignAttrs attrs = RoiAlignAttrs::read(context.node());
    Dims output{Dim(), Dim(), attrs.output_height, attrs.output_width};
    if (const Dims* dims = dims_of_rank(context, 0, 4)) output[1] = (*dims)[1];
    if (const Dims* rois = dims_of_rank(context, 1, 2)) output[0] = (*rois)[0];
    if (const Dims* batches = dims_of_rank(context, 2, 1)) output[0] = merge_dims(context, output[0], (*batches)[0]);
    context.set_output(0, ValueType::tensor(context.input(0).dtype, std::move(output)));
}

// Input [N, C, spatial …], grid [N, spatial' …, spatial rank].
void infer_grid_sample(InferContext& context) {
    const ValueType& input = context.input(0);
    const ValueType& grid = context.input(1);
    if (!input.has_rank() || !grid.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    if (input.rank() < 3 || input.rank() != grid.rank()) context.reject("input and grid do not have the same rank of at least 3");
    (void)merge_dims(context, grid.dims->back(), input.rank() - 2);
    Dims output{merge_dims(context, (*input.dims)[0], (*grid.dims)[0]), (*input.dims)[1]};
    output.insert(output.end(), grid.dims->begin() + 1, grid.dims->end() - 1);
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// theta [N, rank, rank + 1], size [N, C, spatial …] → [N, spatial …, rank].
void infer_affine_grid(InferContext& context) {
    const DType dtype = context.input(0).dtype;
    const auto size = context.sizes(1);
    if (!size) return context.set_output(0, tensor_of(dtype));
    if (size->size() < 3) context.reject("the size has fewer than 3 entries");
    Dims output{(*size)[0].dim()};
    for (std::size_t axis = 2; axis < size->size(); ++axis) output.push_back((*size)[axis].dim());
    output.push_back(static_cast<std::int64_t>(size->size()) - 2);
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

// Input [N, C product(block), L], image shape and block → [N, C, image …].
void infer_col2im(InferContext& context) {
    const DType dtype = context.input(0).dtype;
    const Col2ImAttrs attrs = Col2ImAttrs::read(context.node());
    const auto image = context.sizes(1);
    for (const std::size_t length : {attrs.dilations.size(), attrs.strides.size(), attrs.pads.size() / 2})
        if (image && length != 0 && length != image->size()) context.reject("the attributes are for another number of spatial axes");
    if (!image) return context.set_output(0, tensor_of(dtype));
    Dims output = unknown_dims(2);
    const Dims* dims = dims_of_rank(context, 0, 3);
    if (dims) output[0] = (*dims)[0];
    const auto block = context.constant_integers(2);
    std::int64_t elements = 1;
    for (const std::int64_t extent : block.value_or(std::vector<std::int64_t>{})) {
        if (extent < 1) context.reject(format("the block holds {}", extent));
        elements = saturating_multiply(elements, extent);
    }
    if (dims && block && (*dims)[1].is_known()) {
        if ((*dims)[1].extent() % elements != 0) context.reject("the channels are no multiple of the block");
        output[1] = (*dims)[1].extent() / elements;
    }
    for (const IntegerValue& extent : *image) output.push_back(extent.dim());
    context.set_output(0, ValueType::tensor(dtype, std::move(output)));
}

void infer_center_crop_pad(InferContext& context) {
    const ValueType& input = context.input(0);
    const auto target = context.sizes(1);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    Dims output = *input.dims;
    const auto axes = CenterCropPadAttrs::read(context.node()).axes;
    if (!target) return context.set_output(0, ValueType::tensor(input.dtype, unknown_dims(input.rank())));
    const auto listed = resolve_listed_axes(axes, target->size(), input.rank());
    for (std::size_t index = 0; index < listed.size(); ++index) output[static_cast<std::size_t>(listed[index])] = (*target)[index].dim();
    context.set_output(0, ValueType::tensor(input.dtype, std::move(output)));
}

// Determinants of the matrices in the last two axes.
void infer_det(InferContext& context) {
    const ValueType& input = context.input(0);
    if (!input.has_rank()) return context.set_output(0, tensor_of(input.dtype));
    if (input.rank() < 2) context.reject("the input has rank below 2");
    (void)merge_dims(context, input.dims->back(), (*input.dims)[input.dims->size() - 2]);
    context.set_output(0, ValueType::tensor(input.dtype, Dims(input.dims->begin(), input.dims->end() - 2)));
}

// An encoded image → [height, width, channels].
void infer_image_decoder(InferContext& context) {
    const ImageDecoderAttrs attrs = ImageDecoderAttrs::read(context.node());
    const std::int64_t channels = attrs.pixels == ImageDecoderAttrs::Pixels::Grayscale ? 1 : 3;
    context.set_output(0, ValueType::tensor(DType::UInt8, Dims{Dim(), Dim(), channels}));
}

// clang-format off
constexpr OpInfo kRows[] = {
    {"", "AffineGrid", 20, 2, 2, 1, 1, infer_affine_grid, check_attrs<AffineGridAttrs>},
    {"", "CenterCropPad", 18, 2, 2, 1, 1, infer_center_crop_pad, check_attrs<CenterCropPadAttrs>, nullptr, DataFlow::Selects},
    {"", "Col2Im", 18, 3, 3, 1, 1, infer_col2im, check_attrs<Col2ImAttrs>},
    {"", "Det", 11, 1, 1, 1, 1, infer_det},
    {"", "Det", 22, 1, 1, 1, 1, infer_det},
    {"", "GridSample", 16, 2, 2, 1, 1, infer_grid_sample, check_attrs<GridSampleAttrs>},
    {"", "GridSample", 20, 2, 2, 1, 1, infer_grid_sample, check_attrs<GridSampleAttrs>},
    {"", "GridSample", 22, 2, 2, 1, 1, infer_grid_sample, check_attrs<GridSampleAttrs>},
    {"", "ImageDecoder", 20, 1, 1, 1, 1, infer_image_decoder, check_attrs<ImageDecoderAttrs>},
    {"", "NonMaxSuppression", 10, 2, 5, 1, 1, infer_non_max_suppression, check_attrs<NonMaxSuppressionAttrs>},
    {"", "NonMaxSuppression", 11, 2, 5, 1, 1, infer_non_max_suppression, check_attrs<NonMaxSuppressionAttrs>},
    {"", "RoiAlign", 10, 3, 3, 1, 1, infer_roi_align, check_attrs<RoiAlignAttrs>},
    {"", "RoiAlign", 16, 3, 3, 1, 1, infer_roi_align, check_attrs<RoiAlignAttrs>},
    {"", "RoiAlign", 22, 3, 3, 1, 1, infer_roi_align, check_attrs<RoiAlignAttrs>},
};
// clang-format on

}  // namespace

std::span<const OpInfo> vision_rows() { return kRows; }

}  // namespace mcompress
