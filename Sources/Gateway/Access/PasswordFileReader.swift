import TLS
import Transport

/// Reads the files with users that sites and routes name.
struct PasswordFileReader {
    /// The users of all sites, by the paths of their files.
    func read(_ sites: [SiteConfiguration]) throws(GatewayError) -> [String: PasswordFile] {
        var files: [String: PasswordFile] = [:]
        for access in sites.flatMap({ [$0.access] + $0.routes.map(\.access) }) {
            guard case .on(let basic)? = access.basic, files[basic.users] == nil else { continue }
            files[basic.users] = try read(basic.users)
        }
        return files
    }

    private func read(_ path: String) throws(GatewayError) -> PasswordFile {
        let bytes: [UInt8]
        do throws(CertificateProblem) {
            bytes = try CertificateFileSystem.read(path)
        } catch {
            throw .configuration("users: \(error)")
        }
        do throws(PasswordFile.Mistake) {
            return try PasswordFile(String(decoding: bytes.withoutByteOrderMark, as: UTF8.self))
        } catch {
            throw .configuration("\(path):\(error.line): \(error.reason)")
        }
    }
}
