import Memory
import Testing

@testable import HTTP

struct TraceContextTests {
    private static let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    private func context(_ text: String) -> TraceContext? {
        Array(text.utf8).withBytes { TraceContext(continuing: $0.bytes, span: 0xAB) }
    }

    private func text(of context: TraceContext?) -> String? {
        context?.withParentText { String(decoding: $0, as: UTF8.self) }
    }

    @Test func `A trace goes on with another parent`() {
        let context = context(Self.parent)
        #expect(text(of: context) == "00-4bf92f3577b34da6a3ce929d0e0e4736-00000000000000ab-01")
        #expect(context?.traceText == "4bf92f3577b34da6a3ce929d0e0e4736")
        #expect(context?.keepsState == true)
    }

    @Test(arguments: [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("f8", "00")])
    func `Flags that are unknown are not passed on`(given: String, passed: String) {
        #expect(text(of: context(Self.parent.dropLast(2) + given))?.hasSuffix("-" + passed) == true)
    }

    @Test(arguments: ["-", "-what-the-future-adds", "-00"])
    func `Of a later version the known parts are read`(rest: String) {
        #expect(text(of: context("cc" + Self.parent.dropFirst(2) + rest)) == text(of: context(Self.parent)))
    }

    @Test(arguments: [
        "", "00", String(parent.dropLast()), parent + "-", parent + "-00", parent + "0", "ff" + parent.dropFirst(2),
        "0G" + parent.dropFirst(2), "00_" + parent.dropFirst(3), parent.uppercased(),
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
        "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01", "cc" + parent.dropFirst(2) + "00",
        " " + parent, parent + " ",
    ])
    func `A malformed value is refused`(value: String) {
        #expect(context(value) == nil)
    }

    @Test func `Every prefix of a value is refused`() {
        for count in 0..<Self.parent.utf8.count { #expect(context(String(Self.parent.prefix(count))) == nil) }
    }

    @Test func `A trace that begins has no identifier of zeros`() {
        let context = TraceContext(beginning: (0, 0), span: 0, isSampled: false)
        #expect(text(of: context) == "00-00000000000000000000000000000001-0000000000000001-02")
        #expect(!context.keepsState)
    }

    @Test(arguments: [("traceparent", true), ("TraceParent", true), ("tracestate", true), ("trace-state", false)])
    func `A client's fields belong to no trace that begins here`(name: String, isReplaced: Bool) {
        let context = TraceContext(beginning: (1, 2), span: 3, isSampled: true)
        #expect(Array(name.utf8).withBytes { context.replaces($0.bytes) } == isReplaced)
    }

    @Test func `The state of a trace that goes on stays`() {
        let context = context(Self.parent)
        #expect(Array("tracestate".utf8).withBytes { context?.replaces($0.bytes) } == false)
        #expect(Array("traceparent".utf8).withBytes { context?.replaces($0.bytes) } == true)
    }
}
