import HTTP

/// The listing of a folder, as a page or as data.
struct FolderListing {
    /// The folder's path, decoded, with a slash at both ends.
    let path: String
    let content: FolderContent
    let order: ListingOrder
    /// Number of parent folders up to the root, which may be listed too.
    let depth: Int

    private var entries: [FolderEntry] { order.sorted(content.entries) }

    // MARK: Data

    /// A list of objects: `name`, `type` (`file` or `folder`), `size` in bytes, `modified` in UTC (RFC 3339); with
    /// `url`, relative to the folder, if the name is not UTF-8.
    var json: [UInt8] {
        let lines = entries.map { entry in
            let size = entry.isFolder ? "" : ",\"size\":\(entry.size)"
            let name = Self.jsonText(entry.name)
            let type = entry.isFolder ? "folder" : "file"
            let url = entry.isText ? "" : ",\"url\":\"./\(entry.encodedName)\(entry.isFolder ? "/" : "")\""
            let modified = Timestamp(entry.modified).rfc3339
            return "{\"name\":\(name),\"type\":\"\(type)\"\(size),\"modified\":\"\(modified)\"\(url)}"
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
        let parent =
            depth > 0 ? "<tr class=\"up\"><td><a href=\"../\">..</a></td><td></td><td></td></tr>\n" : ""
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
            <style>\(ListingStyle.text)</style>
            </head>
            <body>
            <main>
            <h1>\(way)</h1>
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

    /// The path, with a link to each parent folder.
    private var way: String {
        let names = [""] + path.split(separator: "/").map(String.init)
        return names.enumerated().map { index, name in
            let text = Self.escaped(name) + "/"
            let steps = names.count - 1 - index
            guard (1...max(1, depth)).contains(steps), depth > 0 else { return text }
            return "<a href=\"\(String(repeating: "../", count: steps))\">\(text)</a>"
        }.joined(separator: "<wbr>")
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
        // "./" keeps a name with a colon from being parsed as a scheme.
        return """
            <tr class="\(entry.isFolder ? "folder" : "file")"><td><a href="./\(Self.escaped(entry.encodedName))\(slash)">\(Self.escaped(entry.name))\(slash)</a></td>\
            <td>\(entry.isFolder ? "" : Self.readableSize(entry.size))</td>\
            <td><time datetime="\(stamp.rfc3339)">\(stamp.readable)</time></td></tr>

            """
    }

    /// With at most three digits, in powers of 1024.
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
