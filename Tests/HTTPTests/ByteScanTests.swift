import Testing

@testable import HTTP

@Suite("Names among bytes")
struct ByteScanTests {
    static let names: [StaticString] = [
        "a", "te", "host", "server", "upgrade", "location", "keep-alive", "content-type", "transfer-encoding",
        "x-forwarded-proto", "content-security-policy",
    ]

    @Test("A name is found whatever the case of its letters", arguments: names.indices)
    func found(index: Int) {
        let name = Self.names[index]
        for text in [name.description, name.description.uppercased(), alternating(name.description)] {
            let bytes = Array("\(text): behind".utf8)
            let count = name.utf8CodeUnitCount
            #expect(isEqual(bytes, name, to: count))
            #expect(hasPrefix(bytes, name, to: bytes.count))
            #expect(!isEqual(bytes, name, to: count + 1))
            #expect(!hasPrefix(bytes, name, to: count - 1))
        }
    }

    @Test("No other byte passes for one of the name, in any place", arguments: names.indices)
    func notFound(index: Int) {
        let name = Self.names[index]
        let letters = Array(name.description.utf8)
        for place in letters.indices {
            for byte in UInt8.min...UInt8.max {
                var bytes = letters
                bytes[place] = byte
                let isSame = byte == letters[place] || lowercased(byte) == letters[place]
                #expect(isEqual(bytes, name, to: bytes.count) == isSame)
            }
        }
    }

    private func isEqual(_ bytes: [UInt8], _ name: StaticString, to end: Int) -> Bool {
        unsafe bytes.span.bytes.equals(name, from: 0, to: end)
    }

    private func hasPrefix(_ bytes: [UInt8], _ name: StaticString, to end: Int) -> Bool {
        unsafe bytes.span.bytes.hasPrefix(name, from: 0, to: end)
    }

    private func alternating(_ text: String) -> String {
        String(text.enumerated().map { $0.offset % 2 == 0 ? Character($0.element.uppercased()) : $0.element })
    }
}
