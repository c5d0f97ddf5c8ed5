import CPCRE2
import Memory

/// A regular expression for whole texts, in Perl's notation (pcre2pattern(3)), which matches bytes.
///
/// Matching stops after a number of steps, so that no path of a client keeps a worker busy. An object is used by one
/// worker only: it stores its last match.
@safe
final class PathExpression {
    private let code: OpaquePointer
    private let context: OpaquePointer
    private let match: OpaquePointer

    /// Steps of one match; well-written expressions take a few for each byte.
    private static let stepLimit: UInt32 = 20_000
    /// Kibibytes that one match may use for backtracking.
    private static let memoryLimit: UInt32 = 256
    /// Bytes of an expression.
    static let maximumLength = 1024

    enum Verdict {
        case matches, differs
        /// The limit was reached before the result was known.
        case undecided
    }

    init(_ text: String) throws(PathExpressionError) {
        let bytes = Array(text.utf8)
        var problem: Int32 = 0
        var offset = 0
        // A UTF mode would refuse paths that are not UTF-8, and \C could match half a character: neither is enabled.
        let options =
            PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP
            | PCRE2_NEVER_BACKSLASH_C
        guard let code = unsafe pcre2_compile_8(bytes, bytes.count, options, &problem, &offset, nil) else {
            throw PathExpressionError(reason: Self.message(problem), offset: offset)
        }
        unsafe self.code = code
        guard let context = unsafe pcre2_match_context_create_8(nil),
            let match = unsafe pcre2_match_data_create_from_pattern_8(code, nil)
        else { fatalError("out of memory") }
        unsafe self.context = context
        unsafe self.match = match
        unsafe pcre2_set_match_limit_8(context, Self.stepLimit)
        unsafe pcre2_set_depth_limit_8(context, Self.stepLimit)
        unsafe pcre2_set_heap_limit_8(context, Self.memoryLimit)
    }

    deinit {
        unsafe pcre2_match_data_free_8(match)
        unsafe pcre2_match_context_free_8(context)
        unsafe pcre2_code_free_8(code)
    }

    func matches(_ text: ByteView) -> Verdict {
        let result = unsafe pcre2_match_8(code, text.octets, text.count, 0, 0, match, context)
        if result >= 0 { return .matches }
        return result == PCRE2_ERROR_NOMATCH ? .differs : .undecided
    }

    /// The number of capturing groups.
    var groupCount: Int {
        var count: UInt32 = 0
        _ = unsafe pcre2_pattern_info_8(code, UInt32(PCRE2_INFO_CAPTURECOUNT), &count)
        return Int(count)
    }

    /// The range that a group of the last match captured; nil when it did not participate.
    func bounds(ofGroup group: Int) -> Range<Int>? {
        guard group <= groupCount else { return nil }
        let bounds = unsafe pcre2_get_ovector_pointer_8(match)!
        let (start, end) = unsafe (bounds[2 * group], bounds[2 * group + 1])
        // A group that did not participate has PCRE2_UNSET, all bits of which are set.
        return start >= 0 && start <= end ? start..<end : nil
    }

    private static func message(_ code: Int32) -> String {
        var text = [UInt8](repeating: 0, count: 256)
        let count = unsafe pcre2_get_error_message_8(code, &text, text.count)
        return String(decoding: text.prefix(Int(max(0, count))), as: UTF8.self)
    }
}

/// Why a text is not a regular expression, as PCRE2's message, and after how many bytes.
struct PathExpressionError: Error, Equatable {
    var reason: String
    var offset: Int
}
