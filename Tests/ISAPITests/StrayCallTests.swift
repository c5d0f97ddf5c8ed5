import CISAPI
import HTTP
import Synchronization
import Testing

@testable import ISAPI

@Suite("Stray calls") struct StrayCallTests {
    @Test func `One of a kind is logged in a second, with the number left out before`() {
        var book = StrayCallBook()
        let request = RequestID.made(high: 1, low: 2)
        #expect(book.line(for: "a", request: request, at: 7) == "a, request 00000000000000010000000000000002")
        #expect(book.line(for: "a", request: nil, at: 7) == nil)
        #expect(book.line(for: "a", request: nil, at: 7) == nil)
        #expect(book.line(for: "b", request: nil, at: 7) == "b")
        #expect(book.line(for: "a", request: nil, at: 8) == "a, 2 more like it since the last line")
        #expect(book.line(for: "a", request: nil, at: 9) == "a")
    }

    @Test func `So many are looked at in a second and the rest are counted`() {
        var book = StrayCallBook()
        let first = (0..<StrayCallBook.perSecond + 2).map { _ in book.admits(at: 1) }
        #expect(first.count { $0 } == StrayCallBook.perSecond)
        let isAdmittedLater = book.admits(at: 2)
        #expect(isAdmittedLater)
        #expect(book.line(for: "a", request: nil, at: 2) == "a, 2 calls not looked at")
        #expect(book.line(for: "b", request: nil, at: 2) == "b")
    }

    @Test func `Texts without end share one line`() {
        var book = StrayCallBook()
        let lines = (0..<1000).compactMap { book.line(for: "\($0)", request: nil, at: 1) }
        #expect(lines.count == 257 && lines.last == "other stray calls of extensions")
    }

    @Test(arguments: [
        RequestID.made(high: 3, low: .max), .given(Array("n".utf8)), .given(Array("0123456789+/=abc".utf8)),
    ]) func `A control block's slot remembers its request beyond the end`(_ request: RequestID) throws {
        let session = ExtensionSession.take()
        defer { session.giveBack() }
        let slot = unsafe try #require(unsafe ControlBlockTable.shared.take(for: session, request))
        unsafe ControlBlockTable.shared.giveBack(slot)
        unsafe #expect(ControlBlockTable.shared.session(of: slot) == nil)
        unsafe #expect(ControlBlockTable.shared.lastRequest(of: slot) == request)
    }

    @Test func `Only the beginning of a long name is remembered`() throws {
        let long = RequestID.given(Array(repeating: 0x61, count: 128))
        let session = ExtensionSession.take()
        defer { session.giveBack() }
        let slot = unsafe try #require(unsafe ControlBlockTable.shared.take(for: session, long))
        unsafe #expect(ControlBlockTable.shared.lastRequest(of: slot)?.text == String(repeating: "a", count: 32))
        unsafe ControlBlockTable.shared.giveBack(slot)
    }

    @Test func `What points to no slot names no request`() {
        unsafe #expect(ControlBlockTable.shared.lastRequest(of: nil) == nil)
        unsafe #expect(ControlBlockTable.shared.lastRequest(of: UnsafeMutableRawPointer(bitPattern: 256)) == nil)
    }

    @Test func `Calls are named by their function`() {
        #expect(ContractFunction.writeClient.text == "WriteClient")
        #expect(ContractFunction.serverSupportFunction(4).text == "HSE_REQ_DONE_WITH_SESSION")
        #expect(ContractFunction.serverSupportFunction(1022).text == "ServerSupportFunction(1022)")
        #expect(ContractFunction.serverSupportFunction(.max).text == "ServerSupportFunction")
    }
}
