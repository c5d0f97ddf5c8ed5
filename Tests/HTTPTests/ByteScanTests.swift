import Memory
import Testing

@testable import HTTP

@Suite("Names among bytes")
struct ByteScanTests {
    static let names: [StaticString] = [
        "a", "te", "host", "server", "upgrade", "location", "keep-alive", "content-type", "transfer-encoding",
        "x-forwarded-proto", "content-security-policy",
    ]

    @Test("The first byte that a line of a log escapes is found in any place", arguments: [1, 15, 16, 17, 40])
    func escaped(count: Int) {
        for place in 0..<count {
            for byte in UInt8.min...UInt8.max {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: count)
                bytes[place] = byte
                let isPlain = (0x20...0x7E).contains(byte) && byte != 0x22 && byte != 0x5C
                let found = bytes.withBytes { $0.bytes.firstToEscape(from: 0, lowest: 0x20, 0x22, 0x5C) }
                #expect(found == (isPlain ? count : place))
            }
        }
    }

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

    @Test("The first byte looked for is found wherever it stands, in input of any length", arguments: 0...40)
    func everyPlace(count: Int) {
        for start in 0...count {
            for end in start...count {
                for place in start...count {
                    // One more stands behind `end` where there is room, and one before `start`.
                    var input = [UInt8](repeating: 0x78, count: count)
                    for index in [start - 1, place, end] where input.indices.contains(index) { input[index] = 0x21 }
                    let found = unsafe input.span.bytes.first(0x21, from: start, to: end)
                    #expect(found == min(place, end))
                }
            }
        }
    }

    @Test("Each class of bytes holds exactly its own", arguments: [1, 7, 8, 9, 15, 16, 17])
    func classes(count: Int) {
        for byte in UInt8.min...UInt8.max {
            let input = [UInt8](repeating: byte, count: count)
            let bytes = unsafe input.span.bytes
            let isLetter = (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            let isControl = byte < 0x20 || byte == 0x7F
            #expect((bytes.first(from: 0, to: count) { $0.allControls } == 0) == isControl)
            #expect((bytes.first(from: 0, to: count) { $0.controls } == 0) == (isControl && byte != 0x09))
            #expect((bytes.first(from: 0, to: count) { $0.outsidePlainNames } == 0) == !(isLetter || byte == 0x2D))
            let isOfHost = isLetter || isDigit(byte) || byte == 0x2D || byte == 0x2E
            #expect((bytes.first(from: 0, to: count) { $0.outsidePlainHosts } == 0) == !isOfHost)
            let isOfTarget = (0x21...0x7E).contains(byte) && byte != 0x23
            #expect((bytes.first(from: 0, to: count) { $0.outsideTarget } == 0) == !isOfTarget)
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
