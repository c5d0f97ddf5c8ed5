import ACME
import Redis
import TLS
import Transport

/// Why a command of Redis has no usable answer.
struct BlockingRedisFailure: Error, Equatable {
    let message: String

    init(_ message: String) { self.message = message }

    static let unexpected = BlockingRedisFailure("an answer that was not expected")
}

/// One connection to a Redis, on which the calling thread waits, but not for longer than the configured time.
///
/// After a failure it is not used again: an answer that came too late would be taken for that of the next command.
final class BlockingRedis {
    private let connection: BlockingConnection
    private let timeout: Delay
    private var parser = RESPParser(limits)

    /// What a storage has of two thousand certificates fits several times.
    private static let limits = {
        var limits = RESPParser.Limits()
        limits.reply = 64 << 20
        limits.elements = 1 << 20
        return limits
    }()

    /// Connects to the server, or to the present master where sentinels know it, and authenticates.
    ///
    /// - Parameter files: contents that were read already, by path.
    convenience init(_ engine: RedisConfiguration, files: [String: [UInt8]]) throws(BlockingRedisFailure) {
        let context = try Self.context(engine, files)
        var reasons: [String] = []
        for host in engine.url.hosts {
            do throws(BlockingRedisFailure) {
                if case .sentinels(_, let master) = engine.url.place {
                    let server = try Self.ask(host, for: master, engine, context)
                    try self.init(server, engine, context, password: engine.password(files), isMaster: true)
                } else {
                    try self.init(host, engine, context, password: engine.password(files), isMaster: false)
                }
                return
            } catch {
                reasons.append(error.message)
            }
        }
        throw BlockingRedisFailure(reasons.isEmpty ? "no server" : reasons.joined(separator: "; "))
    }

    /// - Parameter isMaster: whether it must be one: what sentinels say may be of yesterday.
    private init(
        _ host: RedisHost, _ engine: RedisConfiguration, _ context: TLSClientContext?, password: String?,
        isMaster: Bool
    ) throws(BlockingRedisFailure) {
        timeout = Delay(engine.timeout)
        connection = try Self.connect(to: host, engine, context)
        if let password {
            try expect("OK", from: ["AUTH"] + (engine.url.user.map { [$0] } ?? []) + [password])
        }
        if engine.url.database != 0 { try expect("OK", from: ["SELECT", String(engine.url.database)]) }
        if isMaster, try run(["ROLE"]).elements?.first?.text != "master" {
            throw BlockingRedisFailure("\(host) is no master at present")
        }
    }

    /// A connection to a sentinel.
    private init(
        sentinel host: RedisHost, _ engine: RedisConfiguration, _ context: TLSClientContext?
    ) throws(BlockingRedisFailure) {
        timeout = Delay(engine.timeout)
        connection = try Self.connect(to: host, engine, context)
    }

    private static func ask(
        _ sentinel: RedisHost, for master: String, _ engine: RedisConfiguration, _ context: TLSClientContext?
    ) throws(BlockingRedisFailure) -> RedisHost {
        let reply = try BlockingRedis(sentinel: sentinel, engine, context)
            .run(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", master])
        guard let parts = reply.elements, parts.count == 2, let name = parts[0].text, let port = parts[1].number,
            let number = UInt16(exactly: port)
        else { throw BlockingRedisFailure("\(sentinel) knows no master \(visibleText(master))") }
        return RedisHost(name: name, port: number)
    }

    private static func connect(
        to host: RedisHost, _ engine: RedisConfiguration, _ context: TLSClientContext?
    ) throws(BlockingRedisFailure) -> BlockingConnection {
        do throws(ConnectionFailure) {
            return try BlockingConnection(
                toHost: host.name, port: host.port, name: engine.tls.serverName ?? host.name, context,
                until: .current().advanced(by: Delay(engine.timeout)))
        } catch {
            throw BlockingRedisFailure(error.message)
        }
    }

    private static func context(
        _ engine: RedisConfiguration, _ files: [String: [UInt8]]
    ) throws(BlockingRedisFailure) -> TLSClientContext? {
        guard engine.url.isSecure else { return nil }
        do throws(CertificateProblem) {
            return try TLSClientContext(TLSClientContext.Settings(engine.tls)) { path throws(CertificateProblem) in
                if let bytes = files[path] { return bytes }
                return try CertificateFileSystem.read(path)
            }
        } catch {
            throw BlockingRedisFailure(error.description)
        }
    }

    // MARK: Commands

    private func expect(_ text: String, from arguments: [String]) throws(BlockingRedisFailure) {
        guard try run(arguments).text == text else { throw .unexpected }
    }

    /// - Parameter waits: how long the server waits before it answers, as it was asked to.
    func run(_ arguments: [String], waits: Delay = .milliseconds(0)) throws(BlockingRedisFailure) -> RESPValue {
        try run(arguments.map { Array($0.utf8) }, waits: waits)
    }

    /// The answer, which is no error.
    func run(_ arguments: [[UInt8]], waits: Delay = .milliseconds(0)) throws(BlockingRedisFailure) -> RESPValue {
        connection.deadline = Deadline.current().advanced(by: timeout).advanced(by: waits)
        let reply: RESPValue
        do throws(ConnectionFailure) {
            try connection.send(RedisCommand(arguments).bytes)
            reply = try receive()
        } catch {
            throw BlockingRedisFailure(error.message)
        }
        if case .error(let text) = reply {
            throw BlockingRedisFailure("it refused: \(visibleText(String(decoding: text, as: UTF8.self)))")
        }
        return reply
    }

    func run(
        _ script: StaticString, keys: [String], _ arguments: [[UInt8]]
    ) throws(BlockingRedisFailure) -> RESPValue {
        let names = ([String(describing: script), String(keys.count)] + keys).map { Array($0.utf8) }
        return try run([Array("EVAL".utf8)] + names + arguments)
    }

    private func receive() throws(ConnectionFailure) -> RESPValue {
        while true {
            do throws(RESPError) {
                if let reply = try parser.next() { return reply }
            } catch {
                throw .unsuitable(error.description)
            }
            let bytes = try connection.receive()
            guard !bytes.isEmpty else { throw .broken("the connection was closed") }
            bytes.withBytes { parser.append($0) }
        }
    }
}

extension RedisConfiguration {
    /// What is read before rights are given up.
    var files: [String] { tls.files + [passwordFile].compactMap { $0 } }

    /// - Parameter files: contents that were read already, by path.
    func password(_ files: [String: [UInt8]]) -> String? {
        guard let passwordFile else { return url.password }
        return String(decoding: Passphrase.line(files[passwordFile] ?? []), as: UTF8.self)
    }
}

extension RESPValue {
    /// An integer, or a text that is one.
    var number: Int64? {
        if case .integer(let value) = self { return value }
        return text.flatMap { Int64($0) }
    }

    /// Those of a text; nil for other kinds.
    var bytes: [UInt8]? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): bytes
        default: nil
        }
    }

    var isNothing: Bool { self == .null }
}
