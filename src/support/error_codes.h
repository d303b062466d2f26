// The table of stable error codes. A code never changes its meaning; a retired one is not used again.
#pragma once

namespace mcompress {

/// What went wrong in the large; the numeric value is the exit code of the command line.
enum class ErrorKind { Gate = 1, Usage = 2, Model = 3, File = 4, Limit = 5, Data = 6, Internal = 70 };

struct ErrorCode {
    const char* id;
    ErrorKind kind;
    const char* summary;
};

namespace codes {
// usage and recipes
inline constexpr ErrorCode kUsage{"E1001", ErrorKind::Usage, "the command line is not understood"};
inline constexpr ErrorCode kOutputExists{"E1002", ErrorKind::Usage, "the output file exists"};
inline constexpr ErrorCode kOutputIsInput{"E1003", ErrorKind::Usage, "the output would overwrite an input"};
inline constexpr ErrorCode kTableMismatch{"E1004", ErrorKind::Usage, "the calibration table belongs to another model"};
inline constexpr ErrorCode kTableInvalid{"E1005", ErrorKind::Usage, "the calibration table cannot be read"};
inline constexpr ErrorCode kRecipeInvalid{"E1006", ErrorKind::Usage, "the recipe is not understood"};
inline constexpr ErrorCode kOutputBusy{"E1007", ErrorKind::Usage, "another run is writing the same output"};
// the model
inline constexpr ErrorCode kNotOnnx{"E3001", ErrorKind::Model, "the file is not an ONNX model"};
inline constexpr ErrorCode kModelTruncated{"E3002", ErrorKind::Model, "the model ends too early or is damaged"};
inline constexpr ErrorCode kModelInvalid{"E3003", ErrorKind::Model, "the model breaks the ONNX rules"};
inline constexpr ErrorCode kTensorInvalid{"E3004", ErrorKind::Model, "a tensor is inconsistent"};
inline constexpr ErrorCode kExternalData{"E3005", ErrorKind::Model, "external data is refused or inconsistent"};
inline constexpr ErrorCode kOperatorUnknown{"E3006", ErrorKind::Model, "an operator is not in the op table"};
inline constexpr ErrorCode kOperatorUnsupported{"E3007", ErrorKind::Model, "an operator cannot be executed"};
inline constexpr ErrorCode kShapeInvalid{"E3008", ErrorKind::Model, "shapes or types of an operator do not fit"};
inline constexpr ErrorCode kAttributeInvalid{"E3009", ErrorKind::Model, "an attribute is missing or has a wrong type or value"};
inline constexpr ErrorCode kOpsetUnsupported{"E3010", ErrorKind::Model, "the opset does not allow what is asked"};
inline constexpr ErrorCode kPrivateOperator{"E3011", ErrorKind::Model, "the graph still holds operators of the mcompress domain"};
inline constexpr ErrorCode kAlreadyQuantized{"E3012", ErrorKind::Model, "the model is quantized already"};
inline constexpr ErrorCode kNestingTooDeep{"E3013", ErrorKind::Model, "subgraphs are nested too deeply"};
inline constexpr ErrorCode kNotFinite{"E3014", ErrorKind::Model, "a weight is not finite"};
inline constexpr ErrorCode kNoEffect{"E3015", ErrorKind::Model, "a part of the model has no effect"};
inline constexpr ErrorCode kDegenerateValues{"E3016", ErrorKind::Model, "weights hold values that are lost or slow to compute with"};
inline constexpr ErrorCode kAmbiguousNames{"E3017", ErrorKind::Model, "names that people and tools go by are not unique"};
inline constexpr ErrorCode kStampMissing{"E3018", ErrorKind::Model, "the model has no stamp"};
inline constexpr ErrorCode kStampInvalid{"E3019", ErrorKind::Model, "the stamp in the model is malformed"};
// files and disk
inline constexpr ErrorCode kFileMissing{"E4001", ErrorKind::File, "the file does not exist"};
inline constexpr ErrorCode kFileUnreadable{"E4002", ErrorKind::File, "the file cannot be read"};
inline constexpr ErrorCode kFileUnwritable{"E4003", ErrorKind::File, "the file cannot be written"};
inline constexpr ErrorCode kFileNotRegular{"E4004", ErrorKind::File, "the path is not a regular file"};
// limits
inline constexpr ErrorCode kTooLarge{"E5001", ErrorKind::Limit, "a size limit is reached"};
inline constexpr ErrorCode kOutOfMemory{"E5002", ErrorKind::Limit, "memory is exhausted"};
inline constexpr ErrorCode kTimeLimit{"E5003", ErrorKind::Limit, "the time limit is over"};
// calibration and evaluation data
inline constexpr ErrorCode kDataInvalid{"E6001", ErrorKind::Data, "a data file is damaged or of an unknown kind"};
inline constexpr ErrorCode kDataMismatch{"E6002", ErrorKind::Data, "the data does not fit the model's inputs"};
inline constexpr ErrorCode kDataEmpty{"E6003", ErrorKind::Data, "there is no sample"};
inline constexpr ErrorCode kDataNotFinite{"E6004", ErrorKind::Data, "a value is not finite"};
inline constexpr ErrorCode kLabelsMismatch{"E6005", ErrorKind::Data, "labels and samples do not match"};
inline constexpr ErrorCode kDataUnfit{"E6006", ErrorKind::Data, "the data cannot be what the model was made for"};
// gates and bugs
inline constexpr ErrorCode kGateFailed{"E0001", ErrorKind::Gate, "a requested gate failed"};
inline constexpr ErrorCode kInternal{"E7001", ErrorKind::Internal, "an internal invariant is broken"};
}  // namespace codes

}  // namespace mcompress
