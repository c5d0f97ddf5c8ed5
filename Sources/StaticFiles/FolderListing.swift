import HTTP

/// The page, or the data, that shows what a folder holds.
struct FolderListing {
    /// The folder's path, decoded, with a slash at both ends.
    let path: String
    let content: FolderContent
    let order: ListingOrder
    /// Whether the list has a way up.
    let hasParent: Bool

    private var entries: [FolderEntry] { order.sorted(content.entries) }

    // MARK: Data

    /// A list of objects: `name`, `type` (`file` or `folder`), `size` in bytes, `modified` in UTC (RFC 3339).
    var json: [UInt8] {
        let lines = entries.map { entry in
            let size = entry.isFolder ? "" : ",\"size\":\(entry.size)"
            let name = Self.jsonText(entry.name)
            let type = entry.isFolder ? "folder" : "file"
            return
                "{\"name\":\(name),\"type\":\"\(type)\"\(size),\"modified\":\"\(Timestamp(entry.modified).rfc3339)\"}"
        }
        return Array(("[" + lines.joined(separator: ",\n") + "]\n").utf8)
    }

    private static func jsonText(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\" + String(scalar)
            case _ where scalar.value < 0x20:
                result += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    // MARK: Page

    var html: [UInt8] {
        let title = Self.escaped(path)
        let parent = hasParent ? "<tr><td><a href=\"../\">..</a></td><td></td><td></td></tr>\n" : ""
        let rows = entries.map(row).joined()
        let count = "\(content.entries.count)\(content.isCut ? " and more" : "")"
        let page = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(title)</title>
            <style>\(Self.style)</style>
            </head>
            <body>
            <main>
            <h1>\(title)</h1>
            <table>
            <thead><tr>\(heading(.name, "Name"))\(heading(.size, "Size"))\(heading(.date, "Changed"))</tr></thead>
            <tbody>
            \(parent)\(rows)</tbody>
            </table>
            <p>\(count) \(content.entries.count == 1 ? "entry" : "entries")</p>
            </main>
            </body>
            </html>

            """
        return Array(page.utf8)
    }

    private func heading(_ key: ListingOrder.Key, _ title: String) -> String {
        let isCurrent = key == order.key
        let state = isCurrent ? " aria-sort=\"\(order.isDescending ? "descending" : "ascending")\"" : ""
        let arrow = isCurrent ? (order.isDescending ? " ↓" : " ↑") : ""
        return "<th scope=\"col\"\(state)><a href=\"\(Self.escaped(order.query(for: key)))\">\(title)\(arrow)</a></th>"
    }

    private func row(_ entry: FolderEntry) -> String {
        let slash = entry.isFolder ? "/" : ""
        let stamp = Timestamp(entry.modified)
        // "./" keeps a name with a colon from being read as a scheme.
        return """
            <tr><td><a href="./\(Self.escaped(entry.encodedName))\(slash)">\(Self.escaped(entry.name))\(slash)</a></td>\
            <td>\(entry.isFolder ? "" : Self.readableSize(entry.size))</td>\
            <td><time datetime="\(stamp.rfc3339)">\(stamp.readable)</time></td></tr>

            """
    }

    /// Of three digits at most, in powers of 1024.
    static func readableSize(_ bytes: UInt64) -> String {
        guard bytes >= 1024 else { return "\(bytes) B" }
        var value = Double(bytes)
        var units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"][...]
        while value >= 1023.5, units.count > 1 {
            value /= 1024
            units = units.dropFirst()
        }
        if value >= 9.95 { return "\(Int(value.rounded())) \(units.first ?? "")" }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(units.first ?? "")"
    }

    private static func escaped(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    /// The page needs nothing but itself; its style follows the reader's choice of light or dark.
    private static let style = """
        :root{color-scheme:light dark;--line:#d8dee4;--soft:#59636e;--link:#0959c7;--back:#fff;--text:#1f2328;--over:#f3f5f7}
        @media(prefers-color-scheme:dark){:root{--line:#30363d;--soft:#9198a1;--link:#6cb0ff;--back:#0d1117;--text:#e6edf3;--over:#161b22}}
        *{box-sizing:border-box}
        body{margin:0;background:var(--back);color:var(--text);font:16px/1.5 system-ui,sans-serif}
        main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem}
        h1{font-size:1.25rem;margin:0 0 1rem;overflow-wrap:anywhere}
        table{width:100%;border-collapse:collapse}
        th,td{padding:.5rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
        th a{color:var(--soft);text-decoration:none;font-weight:600}
        td:first-child{overflow-wrap:anywhere;width:100%}
        td:first-child a{display:block;color:var(--link);text-decoration:none}
        a:hover,a:focus-visible{text-decoration:underline}
        tbody tr:hover{background:var(--over)}
        th:nth-child(2),td:nth-child(2){text-align:right}
        td:nth-child(n+2),th{white-space:nowrap}
        td:nth-child(n+2){color:var(--soft);font-variant-numeric:tabular-nums}
        p{color:var(--soft);font-size:.875rem}
        @media(max-width:30rem){th:nth-child(3),td:nth-child(3){display:none}}
        """
}

/// A time in UTC as text.
struct Timestamp {
    private let date: (year: Int, month: Int, day: Int)
    private let second: Int

    init(_ unixSeconds: Int64) {
        let time = max(0, unixSeconds)
        date = HTTPDate.civilDate(Int(time / 86_400))
        second = Int(time % 86_400)
    }

    /// `2026-01-31T08:05:09Z`
    var rfc3339: String { "\(day)T\(minute):\(Self.two(second % 60))Z" }

    /// `2026-01-31 08:05`
    var readable: String { "\(day) \(minute)" }

    private var day: String { "\(date.year)-\(Self.two(date.month))-\(Self.two(date.day))" }
    private var minute: String { "\(Self.two(second / 3600)):\(Self.two(second / 60 % 60))" }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
}
