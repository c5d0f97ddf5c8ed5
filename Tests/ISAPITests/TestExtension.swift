import Memory
import Foundation
import HTTP
import Testing
import Transport

@testable import ISAPI

/// A C extension compiled for one test, its pool, and a worker to send it requests.
final class TestExtension {
    let module: InProcessModule
    let pool: ApplicationPool
    let folder: URL
    /// Of the worker that sends requests.
    let submissions: PoolSubmissionQueue

    /// - Parameter source: C; `static DWORD handle(EXTENSION_CONTROL_BLOCK *ecb)` answers requests, unless the source
    ///   has entry points of its own.
    init(_ source: String, threads: Int = 2, queueLimit: Int = 100) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("isapi-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let library = try Self.compile(source, in: folder)
        module = try InProcessModule.load(name: "test", path: library)
        pool = try ApplicationPool(name: "test", threads: threads, queueLimit: queueLimit)
        submissions = PoolSubmissionQueue(pool)
    }

    /// A new reference to the extension.
    var handle: ExtensionHandle { ExtensionHandle(module, submissions) }

    /// Ends the pool and unloads the library.
    func close() {
        pool.stop(within: .seconds(10))
        module.terminate(.must)
        #expect(module.unload())
        try? FileManager.default.removeItem(at: folder)
    }

    /// Sends one request and returns the result.
    func answer(
        _ head: String = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", body: [UInt8] = [], readAhead: Int = 48 << 10
    ) -> TestWorker {
        let worker = TestWorker(body: body)
        #expect(worker.send(head, to: self, readAhead: readAhead))
        worker.finish()
        return worker
    }

    static func compile(_ source: String, in folder: URL) throws -> String {
        let file = folder.appendingPathComponent("extension.c")
        let library = folder.appendingPathComponent("extension.so")
        let hasEntryPoints = source.contains("HttpExtensionProc")
        try (prelude + source + (hasEntryPoints ? "" : entryPoints)).write(to: file, atomically: true, encoding: .utf8)
        let headers = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("CShims/CISAPI/include")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments = [
            "cc", "-shared", "-fPIC", "-pthread", "-I", headers.path, "-o", library.path, file.path,
        ]
        try compiler.run()
        compiler.waitUntilExit()
        try #require(compiler.terminationStatus == 0)
        return library.path
    }

    private static let prelude = """
        #include <httpext.h>
        #include <pthread.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        static inline BOOL head(EXTENSION_CONTROL_BLOCK *ecb, const char *status, const char *fields) {
          return ecb->ServerSupportFunction(ecb->ConnID, HSE_REQ_SEND_RESPONSE_HEADER, (void *)status, NULL,
                                            (LPDWORD)fields);
        }
        static inline BOOL put(EXTENSION_CONTROL_BLOCK *ecb, const char *text) {
          DWORD size = strlen(text);
          return ecb->WriteClient(ecb->ConnID, (void *)text, &size, HSE_IO_SYNC);
        }
        static inline BOOL done(EXTENSION_CONTROL_BLOCK *ecb, DWORD status) {
          return ecb->ServerSupportFunction(ecb->ConnID, HSE_REQ_DONE_WITH_SESSION, &status, NULL, NULL);
        }

        """

    private static let entryPoints = """

        BOOL WINAPI GetExtensionVersion(HSE_VERSION_INFO *version) {
          version->dwExtensionVersion = 0x00010002;
          strcpy(version->lpszExtensionDesc, "test extension");
          return TRUE;
        }
        DWORD WINAPI HttpExtensionProc(EXTENSION_CONTROL_BLOCK *ecb) { return handle(ecb); }
        """
}

/// The worker of a connection without a connection: reacts to notifications, and records what it receives.
final class TestWorker: SessionNotifier, @unchecked Sendable {
    private let notified = DispatchSemaphore(value: 0)
    private var unread: ArraySlice<UInt8>
    let session = ExtensionSession.take()
    private(set) var head: ExtensionResponseHead?
    private(set) var reason: String?
    private(set) var fields = ""
    private(set) var body: [UInt8] = []
    private(set) var outcome: SessionOutcome?
    private(set) var isWhole = false
    private(set) var logText: String?

    static let origin = RequestOrigin(
        localAddress: "127.0.0.1", localPort: 8443, remoteAddress: "127.0.0.2", remotePort: 50_000,
        serverName: "fallback",
        security: .init(
            protocolName: "TLSv1.3", cipherName: "TLS_AES_256_GCM_SHA384", cipherBits: 256, serverName: nil,
            serverKeyBits: 256, serverSubject: "CN=localhost", serverIssuer: "CN=ca"))
    static let application = ExtensionApplication(
        siteID: 1, siteName: "main", poolName: "test", physicalPath: "/srv/www", serverSoftware: "isagate")

    init(body: [UInt8] = []) {
        unread = body[...]
    }

    var bodyText: String { String(decoding: body, as: UTF8.self) }

    func notify() {
        notified.signal()
    }

    func notifyAtOnce() {
        notify()
    }

    func expectDelay() {}

    var isPeerConnected: Bool { true }

    func disconnect() {}

    /// Begins the session and queues it; false if the pool is full.
    func send(_ text: String, to target: TestExtension, readAhead: Int = 48 << 10) -> Bool {
        begin(text, target)
        let piece = Array(unread.prefix(readAhead))
        let count = piece.withBytes { session.appendReadAhead($0) }
        unread = unread.dropFirst(count)
        if unread.isEmpty { session.bodyEnded() }
        let submissions = PoolSubmissionQueue(target.pool)
        guard submissions.add(session) else {
            session.withdraw()
            return false
        }
        submissions.flush()
        return true
    }

    /// Begins the session for an empty request, and nothing else.
    func beginOnly(_ target: TestExtension) {
        begin("GET / HTTP/1.1\r\n\r\n", target)
    }

    private func begin(_ text: String, _ target: TestExtension) {
        let bytes = Array(text.utf8)
        let (parsed, fields) = parse(bytes)
        let path = Array("/app".utf8)
        let pathInfo = Array("/more".utf8)
        let translated = Array("/srv/www/more".utf8)
        bytes.withBytes { bytes in
            unsafe fields.withUnsafeBufferPointer { fields in
                path.withBytes { path in
                    pathInfo.withBytes { pathInfo in
                        translated.withBytes { translated in
                            let request = unsafe ExtensionRequest(
                                head: parsed, headBytes: bytes,
                                fields: TableView(start: fields.baseAddress, count: fields.count),
                                scriptName: path, pathInfo: pathInfo,
                                translatedPath: translated, origin: Self.origin, application: Self.application,
                                keepAlive: parsed.keepAlive, requestID: .given(Array("named".utf8)))
                            session.begin(request, handle: target.handle, notifier: self)
                        }
                    }
                }
            }
        }
    }

    /// Serves the session until its outcome, then releases it.
    func finish() {
        while outcome == nil {
            waitForNotification()
            look()
        }
        logText = session.logText
        session.release()
    }

    func waitForNotification() {
        #expect(notified.wait(timeout: .now() + 20) == .success)
    }

    /// Takes events as long as there are any.
    func look() {
        let events = session.takeEvents()
        if let head = events.head {
            self.head = head
            reason = events.reason.map { String(decoding: $0, as: UTF8.self) }
            fields = String(decoding: events.fields, as: UTF8.self)
        }
        if events.isWholeResponse { isWhole = true }
        body.append(contentsOf: events.body)
        outcome = events.outcome
        guard events.isBodyWanted else { return }
        let piece = Array(unread.prefix(1000))
        unread = unread.dropFirst(piece.count)
        if !piece.isEmpty { piece.withBytes { session.supplyBody($0) } }
        if unread.isEmpty { session.bodyEnded() }
    }

    /// Parses a head that is known to be well-formed.
    private func parse(_ bytes: [UInt8]) -> (RequestHead, [FieldSlice]) {
        var head = RequestHead()
        head.length = bytes.count
        var fields: [FieldSlice] = []
        var start = 0
        while let end = bytes[start...].firstIndex(of: 13), end > start {
            let line = start..<end
            if start == 0 {
                parseRequestLine(bytes, line, into: &head)
            } else {
                let colon = bytes[line].firstIndex(of: 58)!
                let value = bytes[(colon + 1)..<end].firstIndex { $0 != 32 } ?? end
                fields.append(FieldSlice(name: Slice(start, colon), value: Slice(value, end), known: .other))
                let name = String(decoding: bytes[start..<colon], as: UTF8.self).lowercased()
                let text = String(decoding: bytes[value..<end], as: UTF8.self)
                if name == "host" { head.authority = Slice(value, end) }
                if name == "content-length" { head.framing = .length(UInt64(text)!) }
                if name == "transfer-encoding" { head.framing = .chunked }
            }
            start = end + 2
        }
        head.fieldCount = fields.count
        return (head, fields)
    }

    private func parseRequestLine(_ bytes: [UInt8], _ line: Range<Int>, into head: inout RequestHead) {
        let first = bytes[line].firstIndex(of: 32)!
        let second = bytes[(first + 1)..<line.upperBound].firstIndex(of: 32)!
        head.methodToken = Slice(0, first)
        head.target = Slice(first + 1, second)
        let mark = bytes[(first + 1)..<second].firstIndex(of: 63)
        head.path = Slice(first + 1, mark ?? second)
        head.hasQuery = mark != nil
        if let mark { head.query = Slice(mark + 1, second) }
    }
}

/// Calls functions that a test extension exports for its test.
struct LibraryCalls {
    private let module: InProcessModule

    init(_ test: TestExtension) {
        module = test.module
    }

    func callAsFunction(_ name: String) {
        let function = unsafe module.symbol(name)!
        unsafe unsafeBitCast(function, to: (@convention(c) () -> Void).self)()
    }
}
