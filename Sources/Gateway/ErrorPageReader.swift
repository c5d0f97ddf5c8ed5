import HTTP
import StaticFiles
import TLS

/// Reads the files that sites answer errors with.
struct ErrorPageReader {
    private let types = MediaTypes.system()

    /// The pages of all sites, by the paths of their files.
    func read(_ sites: [SiteConfiguration]) throws(GatewayError) -> [String: ErrorPages.Page] {
        var pages: [String: ErrorPages.Page] = [:]
        for page in sites.flatMap(\.errorPages) where pages[page.file] == nil {
            do throws(CertificateProblem) {
                let body = try CertificateFileSystem.read(page.file)
                pages[page.file] = ErrorPages.Page(type: types.type(ofFileNamed: page.file), body: body)
            } catch {
                throw .configuration("error page: \(error)")
            }
        }
        return pages
    }
}
