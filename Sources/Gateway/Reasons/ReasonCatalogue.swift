import HTTP
import ISAPI

/// Every named reason, and how one is found by what an operator has read somewhere.
package enum ReasonCatalogue {
    package static let reasons: [Reason] =
        RequestRejection.reasons + ofCuts + HTTP2Fault.reasons + ofConnections + UpstreamReason.reasons
        + ResponseReason.reasons + ofChecks + ofFiles + ofExtensions + ofAnswers + ofReadiness + ofConditions
        + EndReason.reasons
        + CertificateReason.reasons + ofCommands

    /// The reason with this text, given for this event; nil when there is none.
    package static func reason(for text: String, event: Reason.Event) -> Reason? {
        best(reasons.filter { $0.event == event }) { $0.specificity(in: text, isWhole: true) }.first
    }

    /// The reasons that are meant by a code, by the text of a reason, by a line of the log with one, or by a status.
    package static func find(_ words: String) -> [Reason] {
        let words = words.trimmed
        if let status = Int(words) { return reasons.filter { $0.status == status } }
        let code = String(words.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
        let named = reasons.filter { $0.code == code }
        if !named.isEmpty { return named }
        let known = reasons.filter { !$0.isAnyOther }
        let whole = best(known) { $0.specificity(in: words, isWhole: true) }
        if !whole.isEmpty { return whole }
        let event = Reason.Event.allCases.first { words.contains("\($0.rawValue): ") }
        let candidates = event.map { event in known.filter { $0.event == event } } ?? known
        let mentioned = best(candidates) { $0.specificity(in: words, isWhole: false) }
        return mentioned.isEmpty ? reasons.filter { $0.isAnyOther && $0.event == event } : mentioned
    }

    /// Codes that were probably meant, the most probable first; at most five.
    package static func nearest(_ words: String) -> [String] {
        let code = String(words.trimmed.lowercased().map { $0 == " " || $0 == "-" ? "_" : $0 })
        let similar = nearestName(to: code, among: reasons.map(\.code))
        let parts = code.split(separator: "_").filter { $0.count > 2 }
        let ranked = reasons.map { reason in
            (reason.code, parts.count { reason.code.contains($0) || reason.text.lowercased().contains($0) })
        }.filter { $0.1 > 0 }.sorted { ($1.1, $0.0.count, $0.0) < ($0.1, $1.0.count, $1.0) }
        var codes: [String] = []
        for code in [similar].compactMap(\.self) + ranked.map(\.0) where !codes.contains(code) { codes.append(code) }
        return Array(codes.prefix(5))
    }

    /// Those with the highest value; none when all are 0.
    private static func best(_ reasons: [Reason], _ value: (Reason) -> Int) -> [Reason] {
        let valued = reasons.map { ($0, value($0)) }
        guard let highest = valued.map(\.1).max(), highest > 0 else { return [] }
        return valued.filter { $0.1 == highest }.map(\.0)
    }
}

extension Reason {
    /// Whether it stands for all that its event has no other reason for.
    fileprivate var isAnyOther: Bool { text == "*" }

    /// How many letters of this reason's text are in a text; 0 when it is not there.
    ///
    /// - Parameter isWhole: the text is the reason, and not a line that contains one.
    fileprivate func specificity(in words: String, isWhole: Bool) -> Int {
        ([text] + otherTexts).map { pattern in
            TextPattern(pattern).isFound(in: words, isWhole: isWhole) ? TextPattern(pattern).literals + 1 : 0
        }.max() ?? 0
    }
}

/// A text in which `*` stands for anything.
private struct TextPattern {
    private let pieces: [String]

    init(_ text: String) {
        pieces = text.lowercased().split(separator: "*", omittingEmptySubsequences: false).map(String.init)
    }

    /// How many characters are not `*`.
    var literals: Int { pieces.map(\.count).reduce(0, +) }

    /// Whether the pieces are there in their order. Within a line, a pattern of one word is too common to count.
    func isFound(in text: String, isWhole: Bool) -> Bool {
        let text = text.lowercased()
        if isWhole { return matches(text[...]) }
        guard literals > 0, pieces.joined().contains(" ") else { return false }
        return text.indices.contains { start in
            isBoundary(text, before: start) && matchesBeginning(of: text[start...])
        }
    }

    private func matches(_ text: Substring) -> Bool {
        guard let first = pieces.first, let last = pieces.last else { return false }
        guard pieces.count > 1 else { return text == first }
        guard text.hasPrefix(first), text.count >= first.count + last.count, text.hasSuffix(last) else { return false }
        return contains(pieces.dropFirst().dropLast(), in: text.dropFirst(first.count).dropLast(last.count))
    }

    private func matchesBeginning(of text: Substring) -> Bool {
        guard let first = pieces.first, text.hasPrefix(first) else { return false }
        if pieces.count == 1 { return isBoundary(after: text.dropFirst(first.count)) }
        return contains(pieces.dropFirst(), in: text.dropFirst(first.count))
    }

    private func contains(_ pieces: some Sequence<String>, in text: Substring) -> Bool {
        var rest = text
        for piece in pieces where !piece.isEmpty {
            guard let range = rest.firstRange(of: piece) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    private func isBoundary(_ text: String, before index: String.Index) -> Bool {
        guard index > text.startIndex else { return true }
        return !isWordCharacter(text[text.index(before: index)])
    }

    private func isBoundary(after text: Substring) -> Bool { text.first.map { !isWordCharacter($0) } ?? true }

    private func isWordCharacter(_ character: Character) -> Bool { character.isLetter || character.isNumber }
}

extension String {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}
