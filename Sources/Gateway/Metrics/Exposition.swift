/// Metrics in the text form of Prometheus (version 0.0.4) or of OpenMetrics (1.0.0).
struct Exposition {
    enum Format: Equatable {
        case prometheus, openMetrics

        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    enum Kind: String {
        case counter, gauge, histogram
    }

    typealias Labels = KeyValuePairs<String, String>

    let format: Format
    private(set) var text = ""
    /// The family whose samples are being written.
    private var name = ""
    private var kind = Kind.gauge

    init(_ format: Format) {
        self.format = format
    }

    /// Begins a family of samples.
    ///
    /// - Parameters:
    ///   - name: for a counter without `_total`, which its samples have in both formats.
    ///   - help: one line for people.
    mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        self.name = name
        self.kind = kind
        // Prometheus's form names a counter as its samples are named, OpenMetrics without the suffix (§5.1).
        let family = kind == .counter && format == .prometheus ? name + "_total" : name
        text += "# HELP \(family) \(help)\n# TYPE \(family) \(kind.rawValue)\n"
    }

    mutating func add(_ value: some BinaryInteger, _ labels: Labels = [:]) {
        add("\(value)", labels)
    }

    mutating func add(_ value: Double, _ labels: Labels = [:]) {
        add(Self.number(value), labels)
    }

    private mutating func add(_ value: String, _ labels: Labels) {
        text += name
        if kind == .counter { text += "_total" }
        append(labels)
        text += " \(value)\n"
    }

    /// Adds one series of a histogram.
    ///
    /// - Parameters:
    ///   - bounds: upper bounds of the buckets in seconds, ascending.
    ///   - counts: how many fell into each, with one more for those beyond.
    ///   - exemplars: of each bucket; Prometheus's form has none.
    mutating func add(
        histogram bounds: [Double], counts: [UInt64], sum: Double, exemplars: [Exemplar?] = [], _ labels: Labels
    ) {
        var total: UInt64 = 0
        for (index, count) in counts.enumerated() {
            total += count
            let bound = index < bounds.count ? Self.number(bounds[index]) : "+Inf"
            text += name + "_bucket"
            append(labels, bound: bound)
            text += " \(total)"
            if format == .openMetrics, index < exemplars.count, let exemplar = exemplars[index] { append(exemplar) }
            text += "\n"
        }
        text += name + "_sum"
        append(labels)
        text += " \(Self.number(sum))\n" + name + "_count"
        append(labels)
        text += " \(total)\n"
    }

    private mutating func append(_ exemplar: Exemplar) {
        let labels = exemplar.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
        guard !labels.isEmpty else { return }
        let seconds = Self.number(Double(exemplar.milliseconds) / 1000)
        text += " # {\(labels.joined(separator: ","))} \(seconds) \(exemplar.unixSeconds)"
    }

    /// Ends the document.
    mutating func end() {
        if format == .openMetrics { text += "# EOF\n" }
    }

    private mutating func append(_ labels: Labels, bound: String? = nil) {
        guard !labels.isEmpty || bound != nil else { return }
        var separator = "{"
        for (label, value) in labels {
            text += "\(separator)\(label)=\"\(Self.escaped(value))\""
            separator = ","
        }
        if let bound { text += "\(separator)le=\"\(bound)\"" }
        text += "}"
    }

    /// Backslash, quote and line feed are escaped (OpenMetrics §4.1); no text of a client is a label.
    static func escaped(_ value: String) -> String {
        guard value.utf8.contains(where: { $0 == 0x5C || $0 == 0x22 || $0 < 0x20 }) else { return value }
        return value.reduce(into: "") { text, character in
            switch character {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            case "\0"..."\u{1F}": text += " "
            default: text.append(character)
            }
        }
    }

    /// The shortest decimal form that is read as the same number.
    static func number(_ value: Double) -> String {
        value.isNaN ? "NaN" : value.isInfinite ? value > 0 ? "+Inf" : "-Inf" : "\(value)"
    }
}

extension Exposition.Format {
    /// The format that a client prefers by its field Accept (RFC 9110 §12.5.1); Prometheus's own where it states none.
    init(accept: String) {
        var open = 0.0
        var plain = 0.0
        for range in accept.split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimmed.lowercased() }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            switch parts.first {
            case "application/openmetrics-text": open = max(open, weight)
            case "text/plain": plain = max(plain, weight)
            default: break
            }
        }
        self = open > 0 && open >= plain ? .openMetrics : .prometheus
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
