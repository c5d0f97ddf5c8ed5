import Memory
import Testing

@testable import Gateway

@Suite("The ring of recorded requests") struct RequestRingTests {
    private func contents(_ ring: borrowing RequestRing) -> [[UInt8]] {
        var records: [[UInt8]] = []
        ring.visit { record in
            records.append(Array(record))
            return true
        }
        return records
    }

    private func record(_ number: Int, count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number &* 31 &+ $0) }
    }

    /// Bytes that a record takes in the ring.
    private func room(_ count: Int) -> Int { (count + 4 + 3) / 4 * 4 }

    @Test func `The newest records remain, in order, at every size of memory and record`() {
        for size in 4...80 {
            for length in 0...40 {
                var ring = RequestRing(limit: 1000, size: size)
                var all: [[UInt8]] = []
                for number in 0..<30 {
                    let bytes = record(number, count: length)
                    let isKept = bytes.withBytes { ring.append($0) }
                    #expect(isKept == (room(length) <= ring.size))
                    if isKept { all.append(bytes) }
                    let found = contents(ring)
                    #expect(found == all.suffix(found.count), "size \(size), length \(length)")
                    #expect(found.count == ring.count)
                    if isKept { #expect(found.count == min(all.count, ring.size / room(length))) }
                }
            }
        }
    }

    @Test func `Records of different sizes displace as many of the oldest as they need`() {
        for size in stride(from: 64, through: 260, by: 4) {
            var ring = RequestRing(limit: 1000, size: size)
            var all: [[UInt8]] = []
            for number in 0..<400 {
                let bytes = record(number, count: number &* 7919 % 53)
                guard bytes.withBytes({ ring.append($0) }) else {
                    Issue.record("a record of \(bytes.count) bytes fits into \(size)")
                    return
                }
                all.append(bytes)
                let found = contents(ring)
                #expect(!found.isEmpty && found == all.suffix(found.count), "size \(size), record \(number)")
                #expect(found.map { room($0.count) }.reduce(0, +) <= ring.size)
            }
        }
    }

    @Test(arguments: [1, 2, 7]) func `No more than the permitted number remain`(limit: Int) {
        var ring = RequestRing(limit: limit, size: 1 << 10)
        for number in 0..<20 {
            record(number, count: 10).withBytes { _ = ring.append($0) }
            #expect(ring.count == min(limit, number + 1))
        }
        #expect(contents(ring) == (20 - limit..<20).map { record($0, count: 10) })
    }

    @Test func `Reading may stop early`() {
        var ring = RequestRing(limit: 10, size: 1 << 10)
        for number in 0..<5 { record(number, count: 3).withBytes { _ = ring.append($0) } }
        var seen = 0
        ring.visit { _ in
            seen += 1
            return seen < 2
        }
        #expect(seen == 2)
    }
}

@Suite("Secrets of recorded requests") struct SecretNamesTests {
    private func masked(_ url: String, room size: Int = 4096, _ others: [String] = []) -> String {
        let names = SecretNames.parameters(others)
        let room = OwnedBytes(count: size)
        let (count, _) = url.withBytes { names.writeURL($0, to: room.room) }
        return String(decoding: room.view[..<count], as: UTF8.self)
    }

    @Test(arguments: [
        ("/a?b=c", "/a?b=c"),
        ("/a", "/a"),
        ("/a?", "/a?"),
        ("/a?token=x", "/a?token=***"),
        ("/a?token=", "/a?token="),
        ("/a?token", "/a?token"),
        ("/a?b=1&access_token=x&c=2", "/a?b=1&access_token=***&c=2"),
        ("/a?PASSWORD=x;key=y#z", "/a?PASSWORD=***;key=***#z"),
        ("/a?user[password]=x&secret[]=y", "/a?user[password]=***&secret[]=***"),
        ("/a?to%6Ben=x", "/a?to%6Ben=***"),
        ("/a?api%5Fkey=x=y", "/a?api%5Fkey=***"),
        ("/a?monkey=x&keys=y", "/a?monkey=x&keys=y"),
        ("/a?next=/b?token=x&c=d", "/a?next=/b?token=***&c=d"),
        ("https://h/a?sig=x", "https://h/a?sig=***"),
    ])
    func `Values of secret parameters are left out`(url: String, expected: String) {
        #expect(masked(url) == expected)
    }

    @Test func `Configured names are added to the usual ones`() {
        #expect(masked("/?badge=1&token=2", ["Badge"]) == "/?badge=***&token=***")
    }

    @Test func `What does not fit is cut, and no secret with it`() {
        let url = "/a?b=1&token=planted&c=2"
        for size in 0...url.utf8.count {
            let text = masked(url, room: size)
            #expect("/a?b=1&token=***&c=2".hasPrefix(text))
        }
    }

    @Test(arguments: [
        ("Authorization", true), ("proxy-authorization", true), ("Cookie", true), ("Set-Cookie", true),
        ("X-API-Key", true), ("X-Auth-Token", true), ("Host", false), ("Accept", false), ("Content-Type", false),
        ("X-Customer", true), ("Keyboard", false),
    ])
    func `Fields are secret by name`(name: String, isSecret: Bool) {
        let names = SecretNames.fields(["x-customer"])
        #expect(name.withBytes { names.contain($0, isEncoded: false) } == isSecret)
    }

    @Test func `A name of unusual length counts as secret`() {
        let name = String(repeating: "a", count: 300)
        #expect(name.withBytes { SecretNames.fields([]).contain($0, isEncoded: false) })
    }
}

@Suite("Records of requests") struct RecordTests {
    private func write(
        target: String, fields: [(String, String)], head: Int = 4096, texts: String = "", _ body: (RecordView) -> Void
    ) {
        let room = OwnedBytes(count: RecordLayout.size(head: head))
        var writer = RecordWriter(room.room, head: head)
        let parameters = SecretNames.parameters([])
        for text in RecordLayout.Text.allCases {
            switch text {
            case .target: target.withBytes { writer.append(target: $0, masking: parameters) }
            default: (texts + "\(text)").withBytes { writer.append($0) }
            }
        }
        for (name, value) in fields {
            name.withBytes { name in
                value.withBytes { writer.append(field: name, $0, masking: .fields([]), parameters) }
            }
        }
        writer.put(UInt16(writer.fieldCount), at: RecordLayout.fieldCount)
        if writer.isHeadCut { writer.put(RecordLayout.Flags.headIsCut.rawValue, at: RecordLayout.flags) }
        #expect(writer.count <= room.count)
        body(RecordView(room.view[..<writer.count]))
    }

    private func text(_ bytes: ByteView) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test func `Everything that was written is read`() {
        write(target: "/a?b=c", fields: [("Host", "h"), ("Cookie", "a=b"), ("Referer", "/x?token=1")]) { record in
            for one in RecordLayout.Text.allCases where one != .target { #expect(text(record.text(one)) == "\(one)") }
            #expect(text(record.text(.target)) == "/a?b=c")
            let decoded = TraceRecord(record, 1, RecordClock(), [:])
            #expect(
                decoded.fields == [
                    .init(name: "Host", value: "h"), .init(name: "Cookie", value: "***", maskedBytes: 3),
                    .init(name: "Referer", value: "/x?token=***", maskedBytes: 10),
                ])
            #expect(!decoded.isHeadCut)
        }
    }

    @Test func `A head of any length fits into its limit`() {
        let fields = (0..<20).map { ("X-Field-\($0)", String(repeating: "v", count: $0 * 3)) }
        for limit in 0...700 {
            write(
                target: "/" + String(repeating: "t", count: 100), fields: fields, head: limit,
                texts: String(repeating: "x", count: 600)
            ) { record in
                let decoded = TraceRecord(record, 0, RecordClock(), [:])
                #expect(decoded.target?.utf8.count ?? 0 == min(101, limit))
                #expect(decoded.fields.elementsEqual(fields.prefix(decoded.fields.count)) { $0.name == $1.0 })
                #expect(decoded.isHeadCut)
            }
        }
    }

    @Test(arguments: [
        ("/a/b?c", "/a/b?c"), ("http://h/a", "/a"), ("http://h", "/"), ("*", "*"), ("h:443", "h:443"),
    ])
    func `The path of a target is found in every form`(target: String, path: String) {
        write(target: target, fields: []) { #expect(text($0.path) == path) }
    }
}

@Suite("Filters of recorded requests") struct TraceFilterTests {
    @Test(arguments: [
        ("404", 404...404), ("5xx", 500...599), ("400-499", 400...499), ("200-200", 200...200),
    ])
    func `Statuses are one, a class or a range`(text: String, range: ClosedRange<Int>) {
        #expect(TraceFilter.statuses(text) == range)
    }

    @Test(arguments: ["", "x", "0xx", "99", "1000", "500-400", "500-", "-500", "5xxx", "4xx-5xx"])
    func `Other texts are no statuses`(text: String) {
        #expect(TraceFilter.statuses(text) == nil)
    }

    @Test func `A filter stays the same on its way to the gateway`() {
        var filter = TraceFilter()
        filter.statuses = 400...499
        filter.after = TraceCursor(process: 1, last: [1, .max])
        #expect(decodeLine(encodeLine(filter).dropLast(), as: TraceFilter.self) == filter)
    }

    @Test func `The cursor of another process counts for nothing`() {
        var filter = TraceFilter()
        filter.after = TraceCursor(process: 1, last: [5, 6])
        #expect(TraceQuery(filter, site: nil, process: 1, workers: 2).sequence(before: 1) == 6)
        #expect(TraceQuery(filter, site: nil, process: 2, workers: 2).sequence(before: 1) == 0)
        filter.after = nil
        #expect(TraceQuery(filter, site: nil, process: 1, workers: 2).sequence(before: 1) == nil)
    }

    @Test func `What controls a terminal is shown, not printed`() {
        #expect(TraceRecord.visible("a\u{1b}[2Jb\u{202e}c") == "a\\u{1b}[2Jb\\u{202e}c")
        #expect(TraceRecord.visible("grüße") == "grüße")
    }
}
