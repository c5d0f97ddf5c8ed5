import HTTP
import StaticFiles
import TLS

/// Reads the files of the sites' error pages.
struct ErrorPageReader {
    private let types = MediaTypes.system()

    /// The pages of all sites, by the paths of their files.
    func read(_ sites: [SiteConfiguration]) throws(GatewayError) -> [String: ErrorPages.Content] {
        var pages: [String: ErrorPages.Content] = [:]
        for page in sites.flatMap(\.errorPages) {
            guard case .file(let file) = page.source, pages[file] == nil else { continue }
            do throws(CertificateProblem) {
                let body = try CertificateFileSystem.read(file)
                pages[file] = ErrorPages.Content(type: types.type(ofFileNamed: file), body: body)
            } catch {
                throw .configuration("error page: \(error)")
            }
        }
        return pages
    }
}
