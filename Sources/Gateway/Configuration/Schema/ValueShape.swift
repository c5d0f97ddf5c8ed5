import Yams

/// What a decoder accepts, as it has told by decoding probes.
final class ValueShape {
    /// What a text must be, in the words of the decoder's messages.
    private(set) var texts: [TextShape] = []
    /// Words that are accepted although no text is: `off` in place of a number.
    var words: [String] = []
    /// The keys of a mapping; nil when a mapping is not accepted.
    var keys: [Key]?
    /// Whether a mapping may have any keys.
    var hasNames = false
    /// The values of a mapping whose keys are names that the file defines.
    var named: ValueShape?
    /// The elements of a list; a single value stands for a list of one.
    var element: ValueShape?

    struct Key {
        let name: String
        let value: ValueShape
        let isRequired: Bool
    }

    func add(_ text: TextShape) {
        if !texts.contains(text) { texts.append(text) }
    }
}

/// One form of a text.
struct TextShape: Equatable {
    enum Form: Equatable {
        case any
        case words([String])
        case integer(ClosedRange<Int>)
        case size, time
    }

    let noun: String
    let form: Form
}

/// Learns what decoders accept: it has them decode values of every kind, and they report the keys they look for.
///
/// The decoders are the only place where keys and values are declared, so that a description cannot differ from what is
/// accepted.
final class ShapeRecorder {
    private var current = ValueShape()

    static func shape<Value>(of decoder: ValueDecoder<Value>) -> ValueShape {
        let recorder = ShapeRecorder()
        let context = DecodingContext(file: "", folder: "/", repeatedKeys: [:]) { _ in nil }
        context.recorder = recorder
        return recorder.shape(of: decoder, context)
    }

    private static func text(_ word: String) -> Node { .scalar(Node.Scalar(word, .implicit, .plain, nil)) }

    /// Words that decoders compare with before they decode anything else.
    private static let words = ["off", "on", "auto", "none", "system"]

    private func shape<Value>(of decoder: ValueDecoder<Value>, _ context: DecodingContext) -> ValueShape {
        let outer = current
        let shape = ValueShape()
        current = shape
        defer { current = outer }
        _ = decoder.decode(.mapping(Node.Mapping([])), context)
        _ = decoder.decode(.sequence(Node.Sequence([Self.text("x")])), context)
        // A text that is used as it is, without a decoder of its own.
        let isText = decoder.decode(Self.text("x"), context) != nil
        if isText, shape.texts.isEmpty { shape.add(TextShape(noun: "a text", form: .any)) }
        for word in Self.words {
            let isAccepted = decoder.decode(Self.text(word), context) != nil
            if isAccepted { shape.words.append(word) }
        }
        return shape
    }

    // MARK: What decoders report

    func found(_ text: TextShape) {
        current.add(text)
    }

    func foundMapping() {
        if current.keys == nil { current.keys = [] }
    }

    func foundNames() {
        current.hasNames = true
    }

    func found<Value>(key name: String, _ decoder: ValueDecoder<Value>, isRequired: Bool, _ context: DecodingContext) {
        guard current.keys?.contains(where: { $0.name == name }) == false else { return }
        let value = shape(of: decoder, context)
        current.keys?.append(ValueShape.Key(name: name, value: value, isRequired: isRequired))
    }

    func found<Value>(namesOf element: ValueDecoder<Value>, _ context: DecodingContext) {
        if current.named == nil { current.named = shape(of: element, context) }
    }

    func found<Value>(listOf element: ValueDecoder<Value>, _ context: DecodingContext) {
        guard current.element == nil else { return }
        // Set before, so that a list of lists is described once.
        let shape = shape(of: element, context)
        current.element = shape
    }
}
