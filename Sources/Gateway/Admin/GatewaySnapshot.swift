import Glibc
import ISAPI
import StaticFiles
import TLS

/// What one generation serves, with the objects that know how it goes; every one of them may be asked from any thread.
struct GatewaySnapshot: Sendable {
    let began: ContinuousClock.Instant
    /// The number of the reading of the configuration.
    let generation: Int
    let listeners: [ListenerStatus]
    let admission: Admission
    let clients: ClientConnections
    let servers: [WorkerServer]
    let acme: AcmeHost
    let etcd: EtcdHost
    let extensions: [ExtensionConfiguration]
    let loaded: ExtensionView?
    let upstreams: UpstreamView?
    /// Of shared limits.
    let engines: [SharedEngine]
    let certificates: CertificateSet?
    /// The files of the certificates of each listener with TLS.
    let certificateFiles: [String: [String]]
    let accessLogs: AccessLogSet?
    let metrics: MetricsPlan?
    let fileCaches: [FileCacheCounters]

    func status(isDraining: Bool) -> GatewayStatus {
        let upstreamStatus = upstreams?.status() ?? []
        let engineStatus = engines.map(\.status)
        let expiries = (certificates?.reports ?? []).map { CertificateExpiry($0) }
        return GatewayStatus(
            version: BuildVersion.text, pid: getpid(),
            uptimeSeconds: Int((ContinuousClock.now - began).components.seconds),
            connections: admission.count, clients: clients.count,
            requests: servers.reduce(0) { $0 + $1.requests.count },
            refusals: RefusalCount.sum(of: servers.flatMap(\.refusals)),
            workers: servers.count, listeners: listeners,
            extensions: extensions.map {
                ExtensionStatus(
                    name: $0.name, description: loaded?.description(of: $0.name),
                    pool: $0.pool?.name ?? "in_process")
            },
            upstreams: upstreamStatus, records: RecordProtection.summary,
            certificates: expiries, generation: generation, accessLogs: accessLogs?.status ?? [],
            conditions: Readiness(readinessFacts(isDraining: isDraining)).reasons
                + GatewayStatus.conditions(
                    upstreams: upstreamStatus, certificates: expiries, pools: loaded?.poolStatus() ?? [])
                + Condition.ofEngines(engineStatus) + Condition.ofAcme(acme.status) + Condition.ofEtcd(etcd.status),
            traffic: metrics.map { plan in
                TrafficStatus(servers.compactMap { $0.metrics?.counts }, bounds: plan.buckets)
            }, acme: acme.status, etcd: etcd.status, shared: engineStatus)
    }

    func readinessFacts(isDraining: Bool) -> Readiness.Facts {
        let now = TLS.Timestamp.now.seconds
        let valid = (certificates?.reports ?? []).filter { $0.notBefore.seconds <= now && now < $0.notAfter.seconds }
        let files = Set(valid.map(\.file))
        return Readiness.Facts(
            isDraining: isDraining,
            listenersWithoutCertificate: certificateFiles.filter { !$0.value.contains(where: files.contains) }.keys
                .sorted(),
            pools: loaded?.poolStatus() ?? [],
            extensionsNotLoaded: extensions.filter {
                $0.isExpectedToBeLoaded && loaded?.description(of: $0.name) == nil
            }
            .map(\.name))
    }
}

extension ExtensionConfiguration {
    /// Whether it is missing when it is not loaded.
    fileprivate var isExpectedToBeLoaded: Bool {
        load == .startup && idleUnload == nil && (pool?.start ?? .startup) == .startup
    }
}

/// The process that started this one, or this one where it serves alone.
func parentProcess() -> Int32 { getppid() }
