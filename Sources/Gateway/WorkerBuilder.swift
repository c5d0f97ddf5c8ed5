import HTTP
import Logging
import TLS
import Transport

/// Puts together what one worker needs to serve every listener.
struct WorkerBuilder {
    let configuration: Configuration
    let worker: Worker
    let logger: Logger
    let stores: [String: CertificateStore]
    let tables: [String: SiteTable]
    let admission: Admission
    let accessLogFile: AccessLogFile?

    func build(_ sockets: [BoundListener]) -> WorkerParts {
        let limits = ConnectionLimits(configuration.limits)
        let accessLog = accessLogFile.map { file in
            AccessLog(configuration.log.access?.format ?? .combined, file: file, worker: worker)
        }
        let rejected = ReasonLog("request refused", logger: logger, worker: worker)
        let logs = AcceptorLogs(
            refused: ReasonLog("connection refused", logger: logger, worker: worker),
            handshakes: ReasonLog("TLS handshake failed", logger: logger, worker: worker))
        var services: [String: HTTPService] = [:]
        var routers: [SiteRouter] = []
        var acceptors: [String: Acceptor] = [:]
        for (name, table) in tables {
            let router = SiteRouter(table, accessLog: accessLog, refusals: rejected)
            let service = HTTPService(worker: worker, limits: limits, router: router)
            routers.append(router)
            services[name] = service
            acceptors[name] = Acceptor(
                service: service, certificates: stores[name],
                handshakeTimeout: Delay(configuration.limits.handshakeTimeout), admission: admission, logs: logs)
        }
        let listeners = sockets.compactMap { bound in
            acceptors[bound.name].map { Listener(bound.socket, on: worker, delegate: $0) }
        }
        return WorkerParts(listeners: listeners, services: Array(services.values), routers: routers)
    }
}

/// What a worker's connections use without owning it; kept until the worker has ended.
struct WorkerParts: @unchecked Sendable {
    let listeners: [Listener]
    let services: [HTTPService]
    let routers: [SiteRouter]
}

extension ConnectionLimits {
    init(_ limits: LimitsConfiguration) {
        self.init()
        head = HeadLimits(
            maximumHead: limits.requestHead, maximumRequestLine: limits.requestLine,
            maximumFields: limits.requestFields)
        maximumBody = UInt64(limits.requestBody)
        unreadBody = limits.unreadBody
        headerTimeout = Delay(limits.headerTimeout)
        bodyTimeout = Delay(limits.bodyTimeout)
        idleTimeout = Delay(limits.idleTimeout)
        writeTimeout = Delay(limits.writeTimeout)
    }
}
