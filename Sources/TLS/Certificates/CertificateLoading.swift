/// One run of the loader: the results so far.
struct CertificateLoading {
    private let readFile: FileReader
    private let readKey: FileReader
    private let previous: CertificateSet?
    private let generation: Int
    private let examined: [CertificateFiles: Examined]
    private let completeness: ChainCompleteness
    private let now: Timestamp
    private var contexts: [TLSContext.Key: TLSContext] = [:]
    private var warnings: [CertificateProblem] = []
    private var uses: [CertificateUse] = []
    /// Each once, in the order they were found.
    private(set) var problems: [CertificateProblem] = []
    private var reported = Set<CertificateProblem>()
    /// Policies that OpenSSL refuses, each of which is reported only for its first use.
    private var refused = Set<TLSPolicy>()

    init(
        readFile: @escaping FileReader, readKey: @escaping FileReader, chains: ChainReader, now: Timestamp,
        previous: CertificateSet?, isPreviousAccepted: Bool, listeners: [TLSListenerDescription]
    ) {
        self.readFile = readFile
        self.readKey = readKey
        self.previous = previous
        generation = (previous?.generation ?? 0) + 1
        let earlier = previous?.identities ?? [:]
        let reader = CertificateReader(
            readFile: readFile, readKey: readKey, chains: chains, generation: generation, earlier: earlier)
        var seen = Set<CertificateFiles>()
        let files = listeners.flatMap(\.sites).flatMap(\.certificates).filter { seen.insert($0).inserted }
        let completeness = ChainCompleteness(for: files, readFile: readFile, at: now)
        self.completeness = completeness
        self.now = now
        let results = files.concurrentMap { files in
            Examined(
                files, reader: reader, earlier: earlier, isEarlierAccepted: isPreviousAccepted,
                completeness: completeness, now: now)
        }
        warnings = results.flatMap(\.warnings) + Self.unknownIssuers(zip(files, results))
        // Files with the same content share one certificate object, whichever of them was read first.
        var identities = earlier
        examined = Dictionary(
            uniqueKeysWithValues: zip(files, results).map { files, result in
                (files, result.sharing(&identities))
            })
    }

    /// One warning for each issuer, however many certificates it has signed.
    private static func unknownIssuers(
        _ results: some Sequence<(CertificateFiles, Examined)>
    ) -> [CertificateProblem] {
        var signed: [String: [String]] = [:]
        var issuers: [String] = []
        for (files, examined) in results {
            guard let issuer = examined.unknownIssuer else { continue }
            if signed[issuer] == nil { issuers.append(issuer) }
            signed[issuer, default: []].append(files.chain)
        }
        return issuers.compactMap { issuer in
            guard let files = signed[issuer] else { return nil }
            return CertificateProblem(files[0], .unknownIssuer(issuer, others: files.count - 1))
        }
    }

    mutating func build(_ listeners: [TLSListenerDescription]) -> CertificateSet {
        var stores: [String: CertificateStore] = [:]
        for listener in listeners {
            if let store = makeStore(listener) { stores[listener.name] = store }
        }
        let proven = problems.isEmpty ? prove(stores.values.map { $0 }) : []
        let used = Set(uses.map { ObjectIdentifier($0.identity) })
        var identities: [ContentDigest: CertificateIdentity] = [:]
        for reading in examined.values.compactMap(\.reading) where used.contains(ObjectIdentifier(reading.identity)) {
            identities[reading.digest] = reading.identity
        }
        return CertificateSet(
            stores: stores, generation: generation, warnings: warnings, uses: uses, identities: identities,
            contexts: contexts, proven: proven)
    }

    private mutating func report(_ found: [CertificateProblem]) {
        problems += found.filter { reported.insert($0).inserted }
    }

    // MARK: Stores

    private mutating func makeStore(_ listener: TLSListenerDescription) -> CertificateStore? {
        let initial = context(TLSContext.Key(policy: listener.policy, clients: nil), for: "listener \(listener.name)")
        let tickets = ticketKeys(of: listener)
        var answers = ServerNameTable<CertificateStore.Answer>()
        var further: [(host: ServerNamePattern, answer: CertificateStore.Answer)] = []
        var first: CertificateStore.Answer?
        var anyHost: CertificateStore.Answer?
        for description in listener.sites {
            guard let site = makeSite(description) else { continue }
            for (host, answer) in site.named { answers.insert(answer, for: host) }
            further += site.further
            first = first ?? site.unnamed
            if description.hosts.contains(.any) { anyHost = anyHost ?? site.unnamed }
        }
        for (host, answer) in further { answers.insert(answer, for: host) }
        guard let initial, let tickets else { return nil }
        let fallback = anyHost ?? (listener.unknownNames == .answeredByDefault ? first : nil)
        return CertificateStore(
            initial: initial, answers: answers, fallback: fallback, tickets: tickets, generation: generation)
    }

    private mutating func makeSite(_ description: SiteDescription) -> SiteAnswers? {
        let place = "site \(description.hosts.first?.description ?? "without hosts")"
        var clients: ClientAuthorities?
        if let policy = description.clientCertificates {
            do throws(CertificateProblem) {
                clients = try ClientAuthorities(policy, readFile: readFile)
            } catch {
                report([error])
            }
        }
        let context = context(TLSContext.Key(policy: description.policy, clients: clients), for: place)
        var certificates: [CertificateStore.Served] = []
        for files in description.certificates {
            guard let outcome = examined[files] else { continue }
            report(outcome.problems)
            guard let identity = outcome.reading?.identity else { continue }
            certificates.append(
                CertificateStore.Served(identity: identity, files: files, staple: staple(for: identity, files)))
            uses.append(CertificateUse(hosts: description.hosts, files: files, identity: identity))
        }
        guard let context, !certificates.isEmpty else { return nil }
        let answers = SiteAnswers(
            description, site: CertificateStore.Site(hosts: description.hosts, context: context),
            certificates: certificates, isComplete: certificates.count == description.certificates.count)
        report(answers.problems)
        return answers
    }

    private mutating func context(_ key: TLSContext.Key, for place: String) -> TLSContext? {
        if let known = contexts[key] ?? previous?.contexts[key] {
            contexts[key] = known
            return known
        }
        do throws(CertificateProblem) {
            let context = try TLSContext(key, file: place)
            contexts[key] = context
            return context
        } catch {
            if case .policy = error.kind, !refused.insert(key.policy).inserted { return nil }
            report([error])
            return nil
        }
    }

    private mutating func ticketKeys(of listener: TLSListenerDescription) -> TicketKeyRing? {
        guard let path = listener.ticketKeys else {
            if let ring = previous?.stores[listener.name]?.tickets, ring.isOwn { return ring }
            return TicketKeyRing()
        }
        do throws(CertificateProblem) {
            var bytes = try readKey(path)
            defer { bytes.wipe() }
            guard let keys = TicketKeys(file: bytes) else {
                throw CertificateProblem(path, .ticketKeySize(bytes.count))
            }
            return TicketKeyRing(keys)
        } catch {
            report([error])
            return nil
        }
    }

    /// A staple that cannot be used is left out with a warning: handshakes work without it.
    private mutating func staple(for identity: CertificateIdentity, _ files: CertificateFiles) -> OCSPStaple? {
        guard let path = files.ocsp else { return nil }
        do throws(CertificateProblem) {
            let bytes = try readFile(path)
            do throws(OCSPStaple.Fault) {
                let issuer = completeness.issuer(of: identity, files)
                let staple = try OCSPStaple(bytes, for: identity.certificate, issuer: issuer, at: now)
                if let fault = staple.fault(at: now) {
                    warn(CertificateProblem(path, .invalidOCSPResponse(fault)))
                } else if !staple.isVerified {
                    warn(CertificateProblem(path, .unverifiedOCSPResponse(issuer: identity.certificate.issuer)))
                }
                return staple
            } catch {
                throw CertificateProblem(path, .invalidOCSPResponse(error))
            }
        } catch {
            warn(error)
            return nil
        }
    }

    /// Once, however many listeners it is on.
    private mutating func warn(_ problem: CertificateProblem) {
        if !warnings.contains(problem) { warnings.append(problem) }
    }

    // MARK: Proof

    /// Tries every name with every kind of key, except what was tried before and has not changed.
    private mutating func prove(_ stores: [CertificateStore]) -> Set<HandshakeProof.Subject> {
        var subjects = Set<HandshakeProof.Subject>()
        var trials: [Trial] = []
        for store in stores {
            var answers = store.answers.patterns
            if let fallback = store.fallback { answers.append((.any, fallback)) }
            for (name, answer) in answers {
                for served in answer.certificates {
                    let subject = HandshakeProof.Subject(name, answer, served)
                    guard subjects.insert(subject).inserted, previous?.proven.contains(subject) != true else {
                        continue
                    }
                    trials.append(Trial(store: store, name: name, answer: answer, served: served))
                }
            }
        }
        let proof = HandshakeProof()
        let planned = Self.plan(trials)
        let failures = planned.concurrentMap { trial, isHandshake in
            isHandshake
                ? proof.failure(for: trial.name.example, of: trial.served, in: trial.store)
                : trial.served.identity.provesItself ? nil : "its key is not the one of the certificate"
        }
        for ((trial, _), reason) in zip(planned, failures) {
            guard let reason else { continue }
            let name = trial.name == .any ? "any other name" : trial.name.description
            report([CertificateProblem(trial.served.files.chain, .handshake(name: name, reason: reason))])
        }
        return subjects
    }

    private struct Trial: Sendable {
        let store: CertificateStore
        let name: ServerNamePattern
        let answer: CertificateStore.Answer
        let served: CertificateStore.Served
    }

    /// This many handshakes take about a quarter of a second on two processors; a single renewal gets its own.
    private static let handshakeLimit = 500

    /// Which trials are handshakes: all if there are few, otherwise the first of each shape.
    private static func plan(_ trials: [Trial]) -> [(trial: Trial, isHandshake: Bool)] {
        var shapes = Set<HandshakeProof.Shape>()
        return trials.map { trial in
            let isFirst = shapes.insert(HandshakeProof.Shape(trial.answer, trial.served)).inserted
            return (trial, isFirst || trials.count <= handshakeLimit)
        }
    }
}

/// A certificate as it was read, and its problems and warnings.
private struct Examined: Sendable {
    private(set) var reading: CertificateReader.Reading?
    private(set) var problems: [CertificateProblem] = []
    private(set) var warnings: [CertificateProblem] = []
    /// The issuer of the last certificate of the chain, if it is unknown whether clients trust it.
    private(set) var unknownIssuer: String?

    /// The same, with the identity that was created from the same content before.
    func sharing(_ identities: inout [ContentDigest: CertificateIdentity]) -> Examined {
        guard let reading else { return self }
        var examined = self
        let identity = identities[reading.digest] ?? reading.identity
        identities[reading.digest] = identity
        examined.reading?.identity = identity
        return examined
    }

    init(
        _ files: CertificateFiles, reader: CertificateReader, earlier: [ContentDigest: CertificateIdentity],
        isEarlierAccepted: Bool, completeness: ChainCompleteness, now: Timestamp
    ) {
        do throws(CertificateProblem) {
            let reading = try reader.read(files)
            self.reading = reading
            let isNew = earlier[reading.digest] == nil
            // Properties that do not change with time were checked when the files were new.
            if isNew { problems = reading.identity.lastingProblems(files) }
            problems += reading.identity.validityProblems(files, at: now)
            if problems.isEmpty { try judge(reading.identity, files, completeness) }
            if !isNew, isEarlierAccepted {
                warnings = problems
                problems = []
            }
        } catch {
            problems = [error]
        }
    }

    private mutating func judge(
        _ identity: CertificateIdentity, _ files: CertificateFiles, _ completeness: ChainCompleteness
    ) throws(CertificateProblem) {
        switch try completeness.verdict(on: identity, files) {
        case .complete: break
        case .refused(let kind): problems = [CertificateProblem(files.chain, kind)]
        case .unknownIssuer(let issuer): unknownIssuer = issuer
        }
    }
}
