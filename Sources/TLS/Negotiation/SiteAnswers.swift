/// Assigns a site's certificates to its hosts.
struct SiteAnswers {
    /// For each host but `any`, in order; hosts with the same certificates share one answer.
    private(set) var named: [(host: ServerNamePattern, answer: CertificateStore.Answer)] = []
    /// For clients that name no site, or another one.
    private(set) var unnamed: CertificateStore.Answer
    /// If the site serves any host: the names of its certificates.
    private(set) var further: [(host: ServerNamePattern, answer: CertificateStore.Answer)] = []
    private(set) var problems: [CertificateProblem] = []

    /// - Parameters:
    ///   - certificates: not empty, in order of preference.
    ///   - isComplete: false when some of the site's certificates could not be read; hosts that only those may cover
    ///     are not reported as missing.
    init(
        _ description: SiteDescription, site: CertificateStore.Site, certificates: [CertificateStore.Served],
        isComplete: Bool
    ) {
        let patterns = certificates.map(\.identity.patterns)
        let real = certificates.filter { !$0.isPlaceholder }
        unnamed = CertificateStore.Answer(
            site: site, certificates: Self.choose(real.isEmpty ? certificates : real))
        var used = Set(
            certificates.indices.filter { index in
                unnamed.certificates.contains { $0.identity === certificates[index].identity }
            })
        if !description.hosts.contains(.any) { used = [] }
        var shared: [[Int]: CertificateStore.Answer] = [:]
        func answer(for host: ServerNamePattern) -> CertificateStore.Answer? {
            let covering = certificates.indices.filter { index in patterns[index].contains { $0.covers(host) } }
            let real = covering.filter { !certificates[$0].isPlaceholder }
            let indices = Self.choose(
                real.isEmpty ? covering : real,
                by: { certificates[$0].identity.keyType.kind })
            if indices.isEmpty { return nil }
            used.formUnion(indices)
            let answer =
                shared[indices]
                ?? CertificateStore.Answer(site: site, certificates: indices.map { certificates[$0] })
            shared[indices] = answer
            return answer
        }

        var missing: [String] = []
        for host in description.hosts where host != .any {
            if let answer = answer(for: host) {
                named.append((host, answer))
            } else {
                missing.append(host.description)
            }
        }
        if description.hosts.contains(.any) {
            further = patterns.joined().compactMap { host in answer(for: host).map { (host, $0) } }
        }

        let hosts = description.hosts.map(\.description)
        for index in certificates.indices
        where !used.contains(index) && certificates[index].files.role == .configured {
            let names = patterns[index].map(\.description)
            let file = certificates[index].files.chain
            let other = certificates.indices.first { other in
                used.contains(other)
                    && certificates[other].identity.keyType.kind
                        == certificates[index].identity.keyType.kind
            }
            let isForAHost = description.hosts.contains { host in patterns[index].contains { $0.covers(host) } }
            if let other, isForAHost {
                problems.append(CertificateProblem(file, .neverServed(other: certificates[other].files.chain)))
            } else {
                problems.append(CertificateProblem(file, .noHost(hosts, names: names)))
            }
        }
        if !missing.isEmpty, isComplete, !used.isEmpty {
            let names = patterns[0].map(\.description)
            problems.append(CertificateProblem(certificates[0].files.chain, .missingHosts(missing, names: names)))
        }
    }

    /// The first of each kind of key.
    private static func choose(_ certificates: [CertificateStore.Served]) -> [CertificateStore.Served] {
        choose(certificates, by: { $0.identity.keyType.kind })
    }

    private static func choose<Element>(_ items: [Element], by kind: (Element) -> KeyType.Kind) -> [Element] {
        var kinds = Set<KeyType.Kind>()
        return items.filter { kinds.insert(kind($0)).inserted }
    }
}
