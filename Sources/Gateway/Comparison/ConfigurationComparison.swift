/// What a reload would change: a configuration that is served against one that would be.
package struct ConfigurationComparison: Encodable, Equatable, Sendable {
    package struct Change: Encodable, Equatable, Sendable {
        package enum Kind: String, Encodable, Sendable {
            case added, removed, changed
            /// Elements of a list stand in another order, which decides between routes.
            case reordered
            /// The content of a file that both name.
            case file
        }

        package var kind: Kind
        /// The keys that lead to the value, with the name of an element in brackets: `sites[a.test].routes[/x].proxy`.
        package var key: String
        /// As the files have them; secrets are masked.
        package var old: String?
        package var new: String?
        /// In the text that is served.
        package var oldLine: Int?
        package var newLine: Int?
        /// Why a reload does not bring it into effect.
        package var note: String?
    }

    /// The configuration file as the user named it.
    package let file: String
    package private(set) var changes: [Change]

    package var isSame: Bool { changes.isEmpty }

    /// - Parameters:
    ///   - certificates: those that are served, and those in the files.
    package init(
        of served: ConfigurationSource, with new: ConfigurationSource,
        certificates: (served: [CertificateSummary], new: [CertificateSummary])
    ) {
        file = new.file
        changes = []
        // A value may be written in another way: nothing changes then.
        if served.configuration.withoutLines != new.configuration.withoutLines {
            changes = NodeComparison(old: served, new: new).changes
        }
        changes += Self.changes(certificates.served, certificates.new)
    }

    private static func changes(_ served: [CertificateSummary], _ new: [CertificateSummary]) -> [Change] {
        let known = Dictionary(served.map { ($0.file, $0) }) { first, _ in first }
        var seen = Set<String>()
        return new.compactMap { certificate in
            // Placeholders are made anew wherever they are looked at.
            guard !certificate.file.hasPrefix(AcmeMaterial.placeholderPrefix),
                let old = known[certificate.file], old.serial != certificate.serial,
                seen.insert(certificate.file).inserted
            else { return nil }
            return Change(
                kind: .file, key: certificate.file, old: "serial \(old.serial), expires \(old.notAfter)",
                new: "serial \(certificate.serial), expires \(certificate.notAfter)")
        }
    }

    /// For people: a line for each change.
    package var description: String {
        if isSame { return "a reload changes nothing" }
        return changes.map(describe).joined(separator: "\n")
    }

    private func describe(_ change: Change) -> String {
        let places = [
            change.newLine.map { "\(file):\($0)" }, change.oldLine.map { "line \($0) of the running configuration" },
        ].compactMap(\.self)
        let place = places.isEmpty ? "" : "  (\(places.joined(separator: ", ")))"
        let note = change.note.map { "; \($0)" } ?? ""
        switch change.kind {
        case .added: return "+ \(change.key): \(change.new ?? "")\(place)\(note)"
        case .removed: return "- \(change.key): \(change.old ?? "")\(place)\(note)"
        case .changed, .file: return "~ \(change.key): \(change.old ?? "") -> \(change.new ?? "")\(place)\(note)"
        case .reordered: return "~ \(change.key): another order: \(change.new ?? "")\(place)\(note)"
        }
    }
}

extension Configuration {
    /// Without what depends only on where values stand in the file.
    fileprivate var withoutLines: Configuration {
        var copy = self
        copy.notes = []
        for site in copy.sites.indices {
            copy.sites[site].clientCertificates?.line = 0
            for route in copy.sites[site].routes.indices { copy.sites[site].routes[route].line = 0 }
            for page in copy.sites[site].errorPages.indices {
                guard case .route(let path, _) = copy.sites[site].errorPages[page].source else { continue }
                copy.sites[site].errorPages[page].source = .route(path, line: 0)
            }
        }
        return copy
    }
}
