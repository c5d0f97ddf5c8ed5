import FoundationEssentials
import TLS

/// Finds what a first configuration can serve, and writes it with what it needs.
package struct FirstFiles {
    /// The file to write.
    package var output: String
    /// The folder in which certbot keeps the current certificates.
    package var certbot: String
    /// Host names, in place of those of the certificates found.
    package var hosts: [String] = []
    package var isReplacing = false

    package init(output: String, certbot: String) {
        self.output = output
        self.certbot = certbot
    }

    /// Certificates of certbot that can be read, and why others are left out.
    package func certbotCertificates() -> (found: [FirstConfiguration.Certificate], problems: [String]) {
        var found: [FirstConfiguration.Certificate] = []
        var problems: [String] = []
        var taken = Set<String>()
        for name in names(in: certbot).prefix(Self.mostCertificates) {
            let folder = "\(certbot)/\(name)"
            let (chain, key) = ("\(folder)/fullchain.pem", "\(folder)/privkey.pem")
            guard FileManager.default.fileExists(atPath: chain) else { continue }
            guard FileManager.default.isReadableFile(atPath: key) else {
                problems.append("\(key) cannot be read by this account; the certificate is left out")
                continue
            }
            do throws(FirstFilesError) {
                let hosts = try names(of: chain, key).filter { taken.insert($0).inserted }
                guard !hosts.isEmpty else { continue }
                found.append(.init(chain: chain, key: key, hosts: hosts, origin: "found in \(certbot)"))
            } catch {
                problems.append(error.message)
            }
        }
        return (found, problems)
    }

    /// The names in a certificate that is valid for a trial configuration.
    private func names(of chain: String, _ key: String) throws(FirstFilesError) -> [String] {
        let trial = FirstConfiguration(
            certificates: [.init(chain: chain, key: key, hosts: ["*"], origin: "")], securePort: 443, plainPort: 80)
        do throws(ConfigurationErrors) {
            let survey = CertificateSurvey(
                try Configuration.decode(
                    text: trial.text, file: chain, folder: "/", kindOfFile: Configuration.kindOfFile))
            if let problem = survey.problems.first { throw ConfigurationErrors(file: chain, message: problem) }
            return survey.certificates.flatMap(\.names)
        } catch {
            throw FirstFilesError(message: error.description)
        }
    }

    /// A folder with an index page beside the file to write, or where Debian puts one.
    package func contentFolder() -> String? {
        let folder = Self.folder(of: absolute(output))
        let candidates = ["public", "www", "html", "dist", "htdocs", "."].map { "\(folder)/\($0)" } + ["/var/www/html"]
        return candidates.first { FileManager.default.fileExists(atPath: "\($0)/index.html") }
            .map { $0.hasSuffix("/.") ? String($0.dropLast(2)) : $0 }
    }

    /// Makes a certificate beside the file to write, or takes one that was made before.
    package func ownCertificate() throws(GatewayError) -> FirstConfiguration.Certificate {
        let folder = Self.folder(of: absolute(output)) + "/certificates"
        let names = hosts.isEmpty ? ["localhost", "127.0.0.1", "::1"] : hosts
        let (chain, key) = ("\(folder)/\(names[0]).pem", "\(folder)/\(names[0]).key")
        let certificate = FirstConfiguration.Certificate(
            chain: chain, key: key, hosts: names, origin: "made by isagate init; clients have to be told to trust it")
        let isThere = FileManager.default.fileExists(atPath: chain) && FileManager.default.fileExists(atPath: key)
        if isThere, !isReplacing { return certificate }
        guard let made = SelfSignedCertificate(names: names, days: Self.validDays) else {
            throw .runtime("cannot make a certificate for \(names.joined(separator: ", "))")
        }
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw .runtime("cannot create \(folder)")
        }
        try ConfigurationText.create(
            key, with: String(decoding: made.key, as: UTF8.self), mode: 0o600, replacing: isReplacing)
        try ConfigurationText.create(
            chain, with: String(decoding: made.chain, as: UTF8.self), replacing: isReplacing)
        return certificate
    }

    /// Whether the file to write is there.
    package var exists: Bool { FileManager.default.fileExists(atPath: output) }

    package func write(_ configuration: FirstConfiguration) throws(GatewayError) {
        try ConfigurationText.create(output, with: configuration.text, replacing: isReplacing)
    }

    /// A path that does not depend on the working folder.
    package func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
        return "\(FileManager.default.currentDirectoryPath)/\(relative)"
    }

    /// Browsers refuse certificates that are valid for longer.
    private static let validDays = 397
    /// Sites that a first configuration has at most.
    private static let mostCertificates = 100

    private func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

private struct FirstFilesError: Error {
    var message: String
}
