// A guest book kept in memory: visitors read it and sign it in a browser. It shows an ISAPI
// extension in Swift; the three entry points at the top are all that the server calls. Swift does
// not import TRUE and FALSE: a BOOL is 1 or 0.
import CISAPI
import Glibc
import Synchronization

@c @implementation
public func GetExtensionVersion(_ version: UnsafeMutablePointer<HSE_VERSION_INFO>!) -> BOOL {
    version.pointee.dwExtensionVersion = DWORD(HSE_VERSION)
    withUnsafeMutableBytes(of: &version.pointee.lpszExtensionDesc) { $0.copyBytes(from: "Guest book\0".utf8) }
    return 1
}

@c @implementation
public func HttpExtensionProc(_ block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>!) -> DWORD {
    let request = Request(block: block)
    let sent = request.send(respond(to: request))
    return DWORD(sent ? HSE_STATUS_SUCCESS_AND_KEEP_CONN : HSE_STATUS_ERROR)
}

@c @implementation
public func TerminateExtension(_ flags: DWORD) -> BOOL {
    book.withLock { $0.removeAll() }
    return 1
}

private let book = Mutex(GuestBook())

private func respond(to request: Request) -> Response {
    switch request.method {
    case "GET", "HEAD":
        return .page(entries: book.withLock { $0.entries }, thanking: request.query == "thanks")
    case "POST":
        guard !request.isFromAnotherSite else {
            return .plain("403 Forbidden", "Please sign on the book's own page.\n")
        }
        guard let body = request.body(atMost: 16_384) else { return .plain("413 Content Too Large", "Too long.\n") }
        guard let entry = Entry(form: body) else {
            return .plain("400 Bad Request", "A guest book entry needs a name and a message.\n")
        }
        book.withLock { $0.add(entry) }
        // Relative to the page the form was on. Reloading then asks for the page and does not sign again.
        return Response(status: "303 See Other", fields: "Location: ?thanks\r\n")
    default:
        return Response(status: "405 Method Not Allowed", fields: "Allow: GET, HEAD, POST\r\n")
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

    mutating func removeAll() { entries.removeAll() }
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

// MARK: The pages

struct Response {
    var status: String
    var fields = ""
    var body = ""

    static func plain(_ status: String, _ body: String) -> Response {
        Response(status: status, fields: "Content-Type: text/plain; charset=utf-8\r\n", body: body)
    }

    static func page(entries: [Entry], thanking: Bool) -> Response {
        let list = entries.map { entry in
            """
            <article>
            <p>\(escaped(entry.message))</p>
            <footer>\(escaped(entry.name)), <time>\(entry.formattedTime)</time> UTC</footer>
            </article>

            """
        }
        let body = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>Guest book</title>
            <style>
            \(style)
            </style>
            </head>
            <body>
            <h1>Guest book</h1>
            <p class="faint">Kept in memory by an ISAPI extension in Swift. <a href="/">All examples</a></p>
            \(thanking ? "<p role=\"status\">Thank you for signing.</p>" : "")
            <form method="post">
            <label>Name <input name="name" maxlength="60" required autocomplete="name"></label>
            <label>Message <textarea name="message" rows="3" maxlength="1000" required></textarea></label>
            <button>Sign</button>
            </form>
            \(list.isEmpty ? "<p class=\"faint\">Nobody has signed yet.</p>" : list.joined())
            </body>
            </html>

            """
        let fields = """
            Content-Type: text/html; charset=utf-8\r
            Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
            frame-ancestors 'none'\r
            Cache-Control: no-store\r

            """
        return Response(status: "200 OK", fields: fields, body: body)
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

// MARK: The server

/// One request, as the server's control block tells it.
struct Request {
    let block: UnsafeMutablePointer<EXTENSION_CONTROL_BLOCK>

    var method: String { String(cString: block.pointee.lpszMethod) }
    var query: String { String(cString: block.pointee.lpszQueryString) }

    /// Whether a browser says that a page of another site made this request.
    var isFromAnotherSite: Bool { variable("HTTP_SEC_FETCH_SITE") == "cross-site" }

    /// The whole body; nil when it is longer than `limit` bytes or the client has gone.
    func body(atMost limit: Int) -> [UInt8]? {
        let total = block.pointee.cbTotalBytes
        let isOfUnknownLength = total == DWORD.max
        guard isOfUnknownLength || total <= limit else { return nil }

        var body = Array(UnsafeBufferPointer(start: block.pointee.lpbData, count: Int(block.pointee.cbAvailable)))
        var chunk = [UInt8](repeating: 0, count: 4096)
        while isOfUnknownLength || body.count < Int(total) {
            guard body.count <= limit else { return nil }
            var length = DWORD(chunk.count)
            guard block.pointee.ReadClient(block.pointee.ConnID, &chunk, &length) != 0 else { return nil }
            if length == 0 { break }
            body += chunk.prefix(Int(length))
        }
        return body.count <= limit ? body : nil
    }

    /// Sends the whole response with its length; false when the client has gone.
    func send(_ response: Response) -> Bool {
        sendHead(response) && (response.body.isEmpty || sendBody(response.body))
    }

    private func sendHead(_ response: Response) -> Bool {
        let head = response.fields + "Content-Length: \(response.body.utf8.count)\r\n\r\n"
        return response.status.withCString { status in
            head.withCString { fields in
                var information = HSE_SEND_HEADER_EX_INFO(
                    pszStatus: status, pszHeader: fields, cchStatus: DWORD(response.status.utf8.count),
                    cchHeader: DWORD(head.utf8.count), fKeepConn: 1)
                return block.pointee.ServerSupportFunction(
                    block.pointee.ConnID, DWORD(HSE_REQ_SEND_RESPONSE_HEADER_EX), &information, nil, nil) != 0
            }
        }
    }

    private func sendBody(_ body: String) -> Bool {
        var bytes = Array(body.utf8)
        var length = DWORD(bytes.count)
        return block.pointee.WriteClient(block.pointee.ConnID, &bytes, &length, DWORD(HSE_IO_SYNC)) != 0
    }

    /// A server variable of at most 255 bytes; nil when there is none.
    private func variable(_ name: String) -> String? {
        var name = Array(name.utf8CString)
        var value = [CChar](repeating: 0, count: 256)
        var size = DWORD(value.count)
        guard block.pointee.GetServerVariable(block.pointee.ConnID, &name, &value, &size) != 0 else { return nil }
        return value.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }
}
