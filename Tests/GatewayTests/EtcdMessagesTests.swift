import Testing

@testable import Gateway

struct EtcdMessagesTests {
    private static let created =
        #"{"result":{"header":{"cluster_id":"1","member_id":"2","revision":"7","raft_term":"3"},"created":true}}"#
    private static let changed =
        #"{"result":{"header":{"revision":"9"},"events":[{"kv":{"key":"L3MvYQ==","create_revision":"8","mod_revision":"8","version":"1","value":"aHR0cDovL2E="}},{"type":"DELETE","kv":{"key":"L3MvYg==","mod_revision":"9"}}]}}"#
    private static let compacted =
        #"{"result":{"header":{"revision":"20"},"canceled":true,"compact_revision":"15"}}"#

    // No stored constant: LeakSanitizer does not see what a case with a tag in its pointer refers to.
    private static var notices: [EtcdNotice] {
        [
            .changes([], revision: 7),
            .changes(
                [
                    .put(EtcdPair(key: Array("/s/a".utf8), value: Array("http://a".utf8), revision: 8)),
                    .delete(key: Array("/s/b".utf8), revision: 9),
                ], revision: 9),
            .compacted(revision: 15),
        ]
    }

    @Test
    func messagesOfAWatchAreTheSameWhereverTheyAreSplit() throws {
        let text = Array([Self.created, Self.changed, Self.compacted, ""].joined(separator: "\n").utf8)
        let notices = Self.notices
        for split in 0...text.count {
            var lines = EtcdLines(limit: 1 << 10)
            let whole = try lines.take(Array(text[..<split])) + lines.take(Array(text[split...]))
            let decoded = try whole.map { line throws(EtcdFailure) in try EtcdMessages.decodeNotice(line) }
            #expect(decoded == notices, "split at \(split)")
        }
        var lines = EtcdLines(limit: 1 << 10)
        let bytes = try text.flatMap { byte throws(EtcdFailure) in try lines.take([byte]) }
        #expect(bytes.count == 3)
    }

    @Test
    func aMessageHasALimitedLength() throws {
        var lines = EtcdLines(limit: 10)
        #expect(try lines.take(Array("0123456789\n".utf8)).count == 1)
        #expect(try lines.take(Array("01234".utf8)).isEmpty)
        #expect(throws: EtcdFailure.nonsense("a message of more than 10 bytes")) {
            try lines.take(Array("567890".utf8))
        }
    }

    @Test
    func everyKeyIsReadWithItsRevision() throws {
        let text =
            #"{"header":{"revision":"12"},"kvs":[{"key":"L3MvYQ==","mod_revision":"5","value":"eA=="},{"key":"L3MvYg==","mod_revision":"6"}],"more":true,"count":"3"}"#
        let range = try EtcdMessages.decodeRange(Array(text.utf8))
        #expect(
            range
                == EtcdRange(
                    pairs: [
                        EtcdPair(key: Array("/s/a".utf8), value: Array("x".utf8), revision: 5),
                        EtcdPair(key: Array("/s/b".utf8), value: [], revision: 6),
                    ], revision: 12, isCut: true))
        let none = try EtcdMessages.decodeRange(Array(#"{"header":{"revision":"1"}}"#.utf8))
        #expect(none == EtcdRange(pairs: [], revision: 1, isCut: false))
    }

    @Test(arguments: [
        ("", "is not JSON"), ("[]", "another kind of value at ''"),
        ("{\"header\":{}}", "no number as 'header.revision'"),
        ("{\"header\":{\"revision\":\"x\"}}", "no number"), ("{\"kvs\":[]}", "has no 'header'"),
        (
            #"{"header":{"revision":"1"},"kvs":[{"key":"L3MvYQ=","mod_revision":"1"}]}"#,
            "not base64 at 'kvs.Index 0.key'"
        ),
        (#"{"header":{"revision":"1"},"kvs":[{"key":"?","mod_revision":"1"}]}"#, "not base64"),
        (#"{"header":{"revision":"1"},"kvs":[{"key":"L3MvYQ=="}]}"#, "no number as 'mod_revision'"),
        (String(repeating: "[", count: 100_000), "is not JSON"),
        (String(repeating: "{\"header\":", count: 100_000), "is not JSON"),
    ])
    func nonsenseIsNamed(text: String, reason: String) {
        do throws(EtcdFailure) {
            _ = try EtcdMessages.decodeRange(Array(text.utf8))
            Issue.record("it was accepted")
        } catch {
            #expect(error.message.contains(reason))
        }
    }

    @Test
    func theReasonOfARefusalIsTold() throws {
        let refusal =
            #"{"error":"etcdserver: invalid auth token","message":"etcdserver: invalid auth token","code":16}"#
        #expect(EtcdMessages.decodeRefusal(Array(refusal.utf8)) == "etcdserver: invalid auth token")
        #expect(EtcdMessages.decodeRefusal(Array("not here".utf8)) == "not here")
        #expect(EtcdMessages.decodeRefusal([]) == nil)
        let ended = #"{"result":{"header":{"revision":"1"},"canceled":true,"cancel_reason":"permission denied"}}"#
        #expect(try EtcdMessages.decodeNotice(Array(ended.utf8)) == .ended("permission denied"))
        let error = #"{"error":{"grpc_code":14,"message":"no leader"}}"#
        #expect(try EtcdMessages.decodeNotice(Array(error.utf8)) == .ended("no leader"))
    }

    @Test
    func requestsAskForWhatBeginsWithThePrefix() {
        let range = String(decoding: EtcdMessages.range(prefix: "/s/", limit: 5), as: UTF8.self)
        #expect(
            range.contains(#""key":"L3Mv"#) && range.contains(#""range_end":"L3Mw""#) && range.contains(#""limit":"5""#)
        )
        let watch = String(decoding: EtcdMessages.watch(prefix: "/s/", from: 8), as: UTF8.self)
        #expect(watch.hasPrefix(#"{"create_request":{"#) && watch.contains(#""start_revision":"8""#))
        #expect(watch.contains(#""progress_notify":true"#))
    }
}
