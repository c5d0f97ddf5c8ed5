import ISAPI

/// Something that lasts and that an operator should know: with the same word in `/readyz`, in metrics, in the log, on
/// the status page and in `isagate status`. `isagate explain WORD` explains it.
package struct Condition: Codable, Equatable, Sendable {
    /// A word for programs.
    package let reason: String
    /// What it concerns; nil for the gateway as a whole.
    package let name: String?
    /// For people.
    package let text: String

    package init(_ reason: Word, name: String? = nil, _ text: String) {
        self.reason = reason.rawValue
        self.name = name
        self.text = text
    }

    package enum Word: String, CaseIterable, Sendable {
        // Requests should go elsewhere.
        case draining
        case notServing = "not_serving"
        case certificateExpired = "certificate_expired"
        case poolStarting = "pool_starting"
        case poolStopped = "pool_stopped"
        case extensionNotLoaded = "extension_not_loaded"
        // Requests are served, but somebody should act.
        case certificateExpiring = "certificate_expiring"
        case poolProcessCrashed = "pool_process_crashed"
        case upstreamServerDown = "upstream_server_down"
        case upstreamServerEjected = "upstream_server_ejected"
        case sharedEngineLost = "shared_engine_lost"
        case reloadRefused = "reload_refused"
        case gatewayProcessReplaced = "gateway_process_replaced"
        case acmeFailing = "acme_failing"
        case acmePlaceholder = "acme_placeholder"
        case etcdFailing = "etcd_failing"
        case etcdEmpty = "etcd_empty"
        case etcdValueRefused = "etcd_value_refused"
    }

    /// A certificate is expected to have been renewed by then; most authorities' certificates are, with 30 days left.
    static let expiryNotice: Int64 = 14 * 86400
    /// How long a crash is shown.
    fileprivate static let crashNotice = 600
    fileprivate static let replacementNotice: Int64 = 3600
}

// MARK: What there is

extension GatewayStatus {
    /// What the gateway process knows, besides what its readiness depends on.
    static func conditions(
        upstreams: [UpstreamStatus], certificates: [CertificateExpiry], pools: [ProcessPoolStatus]
    ) -> [Condition] {
        Condition.ofServers(upstreams) + Condition.ofCertificates(certificates) + Condition.ofCrashes(pools)
    }
}

extension SupervisorFacts {
    /// - Parameter now: seconds since 1970.
    func conditions(now: Int64) -> [Condition] {
        var conditions: [Condition] = []
        if let reload = counters.lastReload, !reload.succeeded {
            let first = reload.message.split(separator: "\n").first.map { ": \($0)" } ?? ""
            conditions.append(Condition(.reloadRefused, "the last reload was refused\(first)"))
        }
        if let restart = counters.recentRestarts?.first, now - restart.unixSeconds < Condition.replacementNotice {
            conditions.append(Condition(.gatewayProcessReplaced, restart.text))
        }
        return conditions
    }
}

extension Condition {
    fileprivate static func ofServers(_ upstreams: [UpstreamStatus]) -> [Condition] {
        upstreams.flatMap { upstream in
            upstream.servers.compactMap { server in
                let name = "\(upstream.name) \(server.url)"
                return switch server.state {
                case "down": Condition(.upstreamServerDown, name: name, "upstream \(name) is down")
                case "ejected":
                    Condition(
                        .upstreamServerEjected, name: name,
                        "upstream \(name) is left out for a while, because requests to it failed")
                default: nil
                }
            }
        }
    }

    fileprivate static func ofCertificates(_ certificates: [CertificateExpiry]) -> [Condition] {
        certificates.compactMap { ofExpiry(of: $0.file, secondsLeft: $0.secondsLeft) }
    }

    /// What is to be said of a certificate; nil while it is valid for long.
    static func ofExpiry(of file: String, secondsLeft: Int64) -> Condition? {
        guard secondsLeft > 0 else {
            return Condition(.certificateExpired, name: file, "\(file): the certificate has expired")
        }
        // A certificate that has just come near its end has a moment less than all the days.
        let days = (secondsLeft + 43200) / 86400
        guard secondsLeft <= expiryNotice else { return nil }
        let time = secondsLeft < 86400 ? "less than a day" : days == 1 ? "1 day" : "\(days) days"
        return Condition(.certificateExpiring, name: file, "\(file): the certificate expires in \(time)")
    }

    static func ofAcme(_ certificates: [AcmeStatus]) -> [Condition] {
        certificates.flatMap { one in
            let name = one.names.first ?? ""
            var conditions: [Condition] = []
            if let problem = one.problem {
                conditions.append(Condition(.acmeFailing, name: name, "no new certificate for \(name): \(problem)"))
            }
            if one.issuer == nil {
                conditions.append(
                    Condition(.acmePlaceholder, name: name, "no certificate for \(name) was issued yet"))
            }
            return conditions
        }
    }

    static func ofEngines(_ engines: [SharedEngineStatus]) -> [Condition] {
        engines.compactMap { engine in
            engine.problem.map {
                Condition(.sharedEngineLost, name: engine.name, "shared engine \(engine.name) is lost: \($0)")
            }
        }
    }

    fileprivate static func ofCrashes(_ pools: [ProcessPoolStatus]) -> [Condition] {
        pools.compactMap { pool in
            let crashes = pool.lastEnds.filter {
                EndReason(rawValue: $0.reason)?.isCrash == true && $0.secondsAgo < crashNotice
            }
            guard let last = crashes.min(by: { $0.secondsAgo < $1.secondsAgo }) else { return nil }
            return Condition(
                .poolProcessCrashed, name: pool.name, "process \(last.pid) of pool \(pool.name): \(last.text)")
        }
    }
}
