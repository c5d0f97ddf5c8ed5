import HTTP
import ISAPI
import Logging
import Transport

/// The loaded extensions, each with its application pool, and the order they are given up in.
final class ExtensionHost {
    private struct Loaded {
        let module: ExtensionModule
        let pool: ApplicationPool
        let feeders: [PoolFeeder]
        let requestTimeout: Delay
    }

    private let logger: Logger
    private var loaded: [String: Loaded] = [:]
    private var reporter: ExtensionLog?

    init(logger: Logger) {
        self.logger = logger
    }

    /// Loads what can be loaded; an extension that cannot is logged, and its routes answer 500.
    func load(_ extensions: [ExtensionConfiguration], for workers: [Worker]) throws(GatewayError) {
        reporter = ExtensionLog(logger, workers)
        for configured in extensions {
            let module: ExtensionModule
            do throws(ExtensionLoadError) {
                module = try ExtensionModule.load(name: configured.name, path: configured.library)
            } catch {
                logger.error("\(error.description)")
                continue
            }
            logger.notice(
                "extension \(module.name): \(module.description), ISAPI \(module.version >> 16).\(module.version & 0xffff)")
            do throws(ApplicationPoolError) {
                let pool = try ApplicationPool(
                    name: configured.name, threads: configured.threads, queueLimit: configured.queue)
                loaded[configured.name] = Loaded(
                    module: module, pool: pool, feeders: workers.map { _ in PoolFeeder(pool) },
                    requestTimeout: Delay(configured.requestTimeout))
            } catch {
                throw .runtime(error.description)
            }
        }
    }

    /// The action of a route that runs the extension `name`.
    func action(for name: String, route: PathPattern, site: SiteConfiguration, siteNumber: Int) -> Action {
        guard let loaded = loaded[name], let reporter else {
            let text = "500 \(StatusCode.reason(500)): the extension could not be loaded\n"
            return RespondAction(
                FixedResponse(
                    status: 500, fields: [("Content-Type", "text/plain; charset=utf-8")], body: Array(text.utf8)))
        }
        let scriptName: String? =
            switch route {
            case .exact: nil
            case .prefix(let path): String(path.dropLast())
            }
        let application = ExtensionApplication(
            siteID: siteNumber, siteName: site.hosts.first?.text ?? "", poolName: name, physicalPath: site.root,
            serverSoftware: "isagate/\(BuildVersion.text)")
        return ExtensionAction(
            ExtensionDispatcher(
                module: loaded.module, application: application, feeders: loaded.feeders, scriptName: scriptName,
                requestTimeout: loaded.requestTimeout, reporter: reporter))
    }

    /// Ends the pools and unloads the extensions; no request may be under way.
    func stop() {
        for (name, extensionInPool) in loaded.sorted(by: { $0.key < $1.key }) {
            extensionInPool.pool.stop()
            extensionInPool.module.terminate(.must)
            if !extensionInPool.module.unload() {
                logger.warning("extension \(name): requests were not finished, so its library stays loaded")
            }
        }
        loaded = [:]
    }
}

/// What extensions do wrong, logged by reason without letting clients flood the log.
private final class ExtensionLog: ExtensionReporter, @unchecked Sendable {
    private let logs: [ReasonLog]

    init(_ logger: Logger, _ workers: [Worker]) {
        logs = workers.map { ReasonLog("misbehaviour", logger: logger, worker: $0) }
    }

    func report(_ problem: String, worker: Int) {
        logs[worker].note(problem, from: nil)
    }
}
