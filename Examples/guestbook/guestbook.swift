// A guest book kept in memory: runningWorkers read it and sign it in a browser. It shows an ISAPI
// extension in Swift; the line with `@c` is all that makes a library of Swift one.
import ExtensionKit
import Glibc
import HTTPTypes
import Synchronization

@c(isagate_extension) public func entry() -> ExtensionEntry { Extension("Guest book", handler: respond).entry }

private let book = Mutex(GuestBook())

private func respond(to request: borrowing Request, with response: consuming ResponseSender) throws {
    switch request.head.method {
    case .get, .head:
        try response.send(page: Page(entries: book.withLock { $0.entries }, isThanking: request.query == "thanks"))
    case .post:
        guard !request.isFromAnotherSite else {
            return try response.send(.forbidden, "Please sign on the book's own page.\n")
        }
        guard let entry = Entry(form: try request.body(atMost: 16_384)) else {
            return try response.send(.badRequest, "A guest book entry needs a name and a message.\n")
        }
        book.withLock { $0.add(entry) }
        // Relative to the page the form was on. Reloading then asks for the page and does not sign again.
        try response.send(HTTPResponse(status: .seeOther, headerFields: [.location: "?thanks"]))
    default:
        try response.send(HTTPResponse(status: .methodNotAllowed, headerFields: [.allow: "GET, HEAD, POST"]))
    }
}

extension Request {
    /// Whether a browser says that a page of another site made this request.
    fileprivate var isFromAnotherSite: Bool { head.headerFields[HTTPField.Name("Sec-Fetch-Site")!] == "cross-site" }
}

extension ResponseSender {
    fileprivate consuming func send(_ status: HTTPResponse.Status, _ text: String) throws {
        let fields: HTTPFields = [.contentType: "text/plain; charset=utf-8"]
        try send(HTTPResponse(status: status, headerFields: fields), body: text)
    }

    fileprivate consuming func send(page: Page) throws {
        let policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
        let fields: HTTPFields = [
            .contentType: "text/html; charset=utf-8", .contentSecurityPolicy: policy, .cacheControl: "no-store",
        ]
        try send(HTTPResponse(status: .ok, headerFields: fields), body: page.html)
    }
}

// MARK: The book

/// The latest entries, newest first.
struct GuestBook {
    static let capacity = 100
    private(set) var entries: [Entry] = []

    mutating func add(_ entry: Entry) {
        entries.insert(entry, at: 0)
        if entries.count > Self.capacity { entries.removeLast() }
    }
}

struct Entry {
    let name: String
    let message: String
    let time: time_t

    /// Reads `name=…&message=…`; nil when either is missing or blank. Too long texts are cut.
    init?(form: [UInt8]) {
        var fields: [String: String] = [:]
        for pair in form.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { continue }
            fields[formDecoded(parts[0])] = formDecoded(parts[1])
        }
        let name = trimmed(fields["name"] ?? "").prefix(60)
        let message = trimmed(fields["message"] ?? "").prefix(1000)
        guard !name.isEmpty, !message.isEmpty else { return nil }
        self.name = String(name)
        self.message = String(message)
        time = Glibc.time(nil)
    }

    /// UTC, as in `2024-05-01 12:30`.
    var formattedTime: String {
        var time = time
        var parts = tm()
        gmtime_r(&time, &parts)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday)) "
            + "\(two(parts.tm_hour)):\(two(parts.tm_min))"
    }
}

/// Decodes application/x-www-form-urlencoded; bytes that are not UTF-8 become U+FFFD.
private func formDecoded(_ text: ArraySlice<UInt8>) -> String {
    var decoded: [UInt8] = []
    var rest = text
    while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(hexadecimalDigit),
            let low = rest.dropFirst().first.flatMap(hexadecimalDigit)
        {
            decoded.append(high << 4 | low)
            rest = rest.dropFirst(2)
        } else {
            decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        }
    }
    return String(decoding: decoded, as: UTF8.self)
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
    Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
}

private func trimmed(_ text: String) -> Substring {
    let start = text.drop(while: \.isWhitespace)
    guard let end = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return start[...end]
}

// MARK: The page

struct Page {
    let entries: [Entry]
    let isThanking: Bool

    var html: String {
        let list = entries.map { entry in
            """
            <article>
            <p>\(escaped(entry.message))</p>
            <footer>\(escaped(entry.name)), <time>\(entry.formattedTime)</time> UTC</footer>
            </article>

            """
        }
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Guest book</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body>
            <h1>Guest book</h1>
            <p class="faint">Kept in memory by an ISAPI extension in Swift. <a href="/">All examples</a></p>
            \(isThanking ? "<p role=\"status\">Thank you for signing.</p>" : "")
            <form method="post">
            <label>Name <input name="name" maxlength="60" required autocomplete="name"></label>
            <label>Message <textarea name="message" rows="3" maxlength="1000" required></textarea></label>
            <button>Sign</button>
            </form>
            \(list.isEmpty ? "<p class=\"faint\">Nobody has signed yet.</p>" : list.joined())
            </body>
            </html>

            """
    }

    private static let style = """
        :root { color-scheme: light dark; --line: light-dark(#d9dde3, #343a42); --faint: light-dark(#5b6572, #98a2b0);
          --accent: light-dark(#0b5cad, #7db8f5); --card: light-dark(#fff, #1d2126); }
        body { margin: 0 auto; max-width: 40rem; padding: 3rem 1.25rem; background: light-dark(#f6f7f9, #15181c);
          color: light-dark(#1b1f24, #e6e9ed); font: 1rem/1.5 system-ui, sans-serif; }
        h1 { margin: 0; font-size: 2rem; } a { color: var(--accent); } .faint, footer { color: var(--faint); }
        form, article { margin: 1.25rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: .6rem;
          background: var(--card); }
        label { display: block; margin-bottom: .75rem; color: var(--faint); font-size: .875rem; }
        input, textarea { display: block; width: 100%; box-sizing: border-box; margin-top: .25rem; padding: .5rem;
          border: 1px solid var(--line); border-radius: .4rem; font: inherit; font-size: 1rem; }
        button { padding: .5rem 1.25rem; border: 0; border-radius: .4rem; background: var(--accent);
          color: light-dark(#fff, #101418); font: inherit; font-weight: 600; cursor: pointer; }
        article p { margin: 0 0 .5rem; white-space: pre-wrap; overflow-wrap: anywhere; }
        footer { font-size: .875rem; }
        """
}

private func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": escaped += "&amp;"
        case "<": escaped += "&lt;"
        case ">": escaped += "&gt;"
        case "\"": escaped += "&quot;"
        case "'": escaped += "&#39;"
        default: escaped.unicodeScalars.append(scalar)
        }
    }
    return escaped
}
