extension Configuration {
    /// What is allowed and yet worth a second thought, each as `line: text`.
    package var warnings: [ConfigurationNote] {
        notes
            + sites.flatMap { site in
                site.routes.filter { $0.mayLeakByLength(on: site) }.map { route in
                    ConfigurationNote(
                        line: route.line,
                        text: "this route compresses what it answers to users with passwords: whoever can have a page "
                            + "repeat his words beside a secret learns the secret from the length (BREACH); "
                            + "see 'compress: off'"
                    )
                }
            }
    }
}

extension RouteConfiguration {
    /// Whether responses that are for somebody in particular are compressed as they are made.
    fileprivate func mayLeakByLength(on site: SiteConfiguration) -> Bool {
        guard case .on? = site.responseRules.extended(by: responseRules).compression else { return false }
        guard AccessRules().overridden(by: site.access).overridden(by: access).basic != nil else { return false }
        switch action {
        case .runExtension, .extensionsIn, .proxy: return true
        case .respond, .redirect, .files: return false
        }
    }
}
