/// An import of IIS's configuration.
package struct IISImport {
    package var configuration: ConfigurationSection
    package var report: Ledger.Report

    /// Reads and translates `applicationHost.config` and files called `web.config`.
    ///
    /// - Parameter site: the site that the files `web.config` belong to; by default the one with their folder, or the
    ///   first one.
    package init(
        _ paths: [String], map: PathMap = PathMap(), site: String? = nil, files: some SourceFiles = SystemFiles()
    ) throws(MigrationError) {
        let ledger = Ledger()
        let folder = FilePath.folder(of: paths.first ?? "")
        var documents: [(path: String, root: XMLElement)] = []
        var budget = SourceBudget()
        var next = 0
        for path in paths {
            guard let bytes = try files.read(path) else { throw MigrationError(file: path, message: "no such file") }
            try budget.spend(bytes.count, on: path)
            let shown = path.hasPrefix(folder + "/") ? String(path.dropFirst(folder.count + 1)) : path
            var reader = try XMLReader(bytes, file: shown, firstID: next)
            let (root, end) = try reader.read()
            next = end
            guard root.name == "configuration" else {
                throw MigrationError(
                    file: shown, line: root.place.line, column: 1,
                    message: "expected <configuration>, found <\(root.name)>")
            }
            documents.append((path, root))
        }
        let translation = IISTranslation(documents, ledger: ledger, map: map, site: site)
        configuration = try translation.configuration()
        for document in documents { translation.close(document.root.children) }
        report = ledger.report
    }
}

/// Makes a configuration of the gateway from IIS's sections.
final class IISTranslation {
    let ledger: Ledger
    let map: PathMap
    private let documents: [(path: String, root: XMLElement)]
    private let siteName: String?
    private var unmapped = Set<String>()
    /// Listeners with the hosts that sites have there.
    var claimed = Set<String>()
    var extensions = IISExtensions()

    init(_ documents: [(path: String, root: XMLElement)], ledger: Ledger, map: PathMap, site: String?) {
        self.documents = documents
        self.ledger = ledger
        self.map = map
        siteName = site
    }

    func carry(_ element: XMLElement) { ledger.carry(element.item) }

    func omit(_ element: XMLElement, _ advice: String) { ledger.omit(element.item, advice) }

    /// The value of an attribute, which is carried over by that.
    func take(_ element: XMLElement, _ name: String) -> String? {
        guard let attribute = element.attributes.first(where: { $0.name == name }) else { return nil }
        ledger.carry(Self.item(attribute, of: element))
        return attribute.value
    }

    static func item(_ attribute: XMLElement.Attribute, of element: XMLElement) -> Ledger.Item {
        let value = XMLElement.isSecret(attribute.name) ? "…" : attribute.value
        return Ledger.Item(
            id: attribute.id, place: attribute.place, label: "<\(element.name)> \(attribute.name)=\"\(value)\"")
    }

    func path(_ windows: String, _ element: XMLElement) -> String {
        let (path, isKnown) = map.mapped(windows)
        if !isKnown, unmapped.insert(windows).inserted {
            ledger.remark(element.place, "'\(windows)' becomes '\(path)'; choose the folder with --map")
        }
        return path
    }

    // MARK: Structure

    private var host: XMLElement? { documents.first { $0.root.child("system.applicationHost") != nil }?.root }

    func configuration() throws(MigrationError) -> ConfigurationSection {
        let levels = settingLevels()
        let sites = host?.descendant("system.applicationHost/sites")
        var listed: [IISSite] = []
        if let sites {
            carry(sites)
            for element in sites.children where element.name == "site" { listed.append(IISSite(element, self)) }
            for defaults in sites.children where defaults.name != "site" {
                ledger.markUnneeded(defaults.item, "defaults of IIS; sites have their own settings here")
            }
        } else if let first = documents.first {
            listed = [IISSite(folder: FilePath.folder(of: first.path), place: first.root.place)]
        }
        guard !listed.isEmpty else {
            throw MigrationError(file: documents.first?.path ?? "", message: "there is no <site>, and no web.config")
        }
        if let host { carry(host.child("system.applicationHost")!) }
        let chosen = siteName ?? listed.first?.name ?? ""
        var configuration = ConfigurationSection()
        configuration.set("version", "1", .reason("the format of this file"))
        let listeners = IISListeners(listed, self)
        var written: [ConfigurationSection] = []
        for site in listed {
            let own = levels.filter { $0.belongs(to: site, chosen: chosen) }
            written += self.sites(for: site, listeners, own)
        }
        if written.isEmpty {
            throw MigrationError(file: documents.first?.path ?? "", message: "none of the sites can be carried over")
        }
        configuration.set("listeners", listeners.section, .reason("bindings"))
        var admin = ConfigurationSection()
        admin.set("socket", "run/isagate.sock", .reason("the control socket"))
        configuration.set("admin", admin, .reason("for isagate reload, status, stop and drain"))
        configuration.set("log", log(), .reason("logFile"))
        var limits = ConfigurationSection()
        limits.set("request_body", .number(30_000_000), .reason("IIS's default of maxAllowedContentLength"))
        configuration.set("limits", limits, .reason("IIS's default"))
        configuration.set("extensions", extensions.section, .reason("IsapiModule"))
        configuration.set("pools", pools(), .reason("applicationPools"))
        configuration.set("sites", .sections(written), .reason("sites"))
        return configuration
    }

    private func log() -> ConfigurationSection {
        var section = ConfigurationSection()
        guard let logFile = host?.descendant("system.applicationHost/sites/siteDefaults/logFile") else {
            return section
        }
        carry(logFile)
        guard (take(logFile, "logFormat") ?? "W3C") == "W3C" else {
            omit(logFile, "see log.access.format for what there is")
            return section
        }
        var access = ConfigurationSection()
        let folder = take(logFile, "directory").map { path($0, logFile) } ?? "/var/log/isagate"
        access.set("path", folder + "/access.log", logFile.origin)
        access.set("format", "w3c", logFile.origin)
        var rotate = ConfigurationSection()
        rotate.set("daily", "true", logFile.origin)
        access.set("rotate", .section(rotate), logFile.origin)
        section.set("access", .section(access), logFile.origin)
        return section
    }

    /// The pools that extensions run in.
    private func pools() -> ConfigurationSection {
        var section = ConfigurationSection()
        guard let pools = host?.descendant("system.applicationHost/applicationPools") else { return section }
        carry(pools)
        for pool in pools.children {
            guard pool.name == "add", let name = pool["name"], extensions.pools.contains(IISExtensions.name(name))
            else {
                ledger.markUnneeded(pool.item, "no extension that is carried over runs in it")
                continue
            }
            section.set(IISExtensions.name(name), .section(self.pool(pool)), pool.origin)
        }
        return section
    }

    private func pool(_ element: XMLElement) -> ConfigurationSection {
        carry(element)
        _ = take(element, "name")
        var pool = ConfigurationSection()
        if let queue = take(element, "queueLength").flatMap({ Int($0) }) {
            pool.set("queue", .number(min(max(queue, 1), 1_000_000)), element.origin)
        }
        pool.set("start", take(element, "startMode") == "AlwaysRunning" ? "startup" : "first_request", element.origin)
        if let model = element.child("processModel") {
            carry(model)
            if let count = take(model, "maxProcesses").flatMap({ Int($0) }), count > 0 {
                pool.set("processes", .number(min(count, 64)), model.origin)
            }
            if let idle = take(model, "idleTimeout").flatMap(Self.milliseconds) {
                let time = idle == 0 ? "off" : Quantity.time(milliseconds: idle, in: 100...86_400_000)
                pool.set("idle_stop", time, model.origin)
            }
            if let user = take(model, "userName") {
                ledger.remark(model.place, "the identity '\(user)': set 'user' to an account of this machine")
            }
        }
        if let recycling = element.child("recycling") {
            pool.set("recycle", self.recycling(recycling), recycling.origin)
        }
        if let failure = element.child("failure") {
            carry(failure)
            var rapid = ConfigurationSection()
            if let crashes = take(failure, "rapidFailProtectionMaxCrashes").flatMap({ Int($0) }) {
                rapid.set("crashes", .number(min(max(crashes, 1), 1000)), failure.origin)
            }
            if let within = take(failure, "rapidFailProtectionInterval").flatMap(Self.milliseconds) {
                rapid.set("within", Quantity.time(milliseconds: within, in: 100...86_400_000), failure.origin)
            }
            pool.set("rapid_fail", rapid, failure.origin)
        }
        return pool
    }

    private func recycling(_ element: XMLElement) -> ConfigurationSection {
        carry(element)
        var recycle = ConfigurationSection()
        guard let periodic = element.child("periodicRestart") else { return recycle }
        carry(periodic)
        if let requests = take(periodic, "requests").flatMap({ Int($0) }), requests > 0 {
            recycle.set("requests", .number(min(requests, 1_000_000_000)), periodic.origin)
        }
        if let time = take(periodic, "time").flatMap(Self.milliseconds), time > 0 {
            recycle.set("after", Quantity.time(milliseconds: time, in: 1000...31_536_000_000), periodic.origin)
        }
        // IIS counts in KiB.
        if let memory = take(periodic, "privateMemory").flatMap({ Int($0) }), (1...1 << 30).contains(memory) {
            recycle.set("private_memory", Quantity.size(memory << 10, in: 1 << 20...1 << 40), periodic.origin)
        }
        var times: [String] = []
        if let schedule = periodic.child("schedule") {
            carry(schedule)
            for add in schedule.children where add.name == "add" {
                carry(add)
                if let value = take(add, "value") { times.append(String(value.prefix(5))) }
            }
            if !times.isEmpty { recycle.set("at", .texts(times), schedule.origin) }
        }
        return recycle
    }

    /// A time such as `1.05:00:00` or `00:20:00`.
    static func milliseconds(_ text: String) -> Int? {
        let parts = text.split(separator: ".", maxSplits: 1)
        let days = parts.count == 2 ? Int(parts[0]) : 0
        let fields = (parts.last ?? "").split(separator: ":").map { Int($0) }
        guard let days, (0...3650).contains(days), fields.count == 3, let hours = fields[0], let minutes = fields[1],
            let seconds = fields[2], (0...99).contains(hours), (0...59).contains(minutes), (0...59).contains(seconds)
        else { return nil }
        return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    }

    /// The sections `system.webServer` of all files with the paths they are for.
    private func settingLevels() -> [IISLevel] {
        var levels: [IISLevel] = []
        for (path, root) in documents {
            let isHost = root.child("system.applicationHost") != nil
            let folder = FilePath.folder(of: path)
            for element in root.children {
                if element.name == "system.webServer" {
                    carry(element)
                    levels.append(IISLevel(settings: element, site: isHost ? nil : .folder(folder), path: ""))
                } else if element.name == "location" {
                    carry(element)
                    _ = (
                        take(element, "path"), take(element, "overrideMode"),
                        take(element, "inheritInChildApplications")
                    )
                    _ = (take(element, "allowOverride"), take(element, "overrideModeDefault"))
                    guard let settings = element.child("system.webServer") else { continue }
                    carry(settings)
                    var parts = (element["path"] ?? "").split(separator: "/").map(String.init)
                    if parts == ["."] { parts = [] }
                    if isHost {
                        let site: IISLevel.Site? = parts.isEmpty ? nil : .name(parts.removeFirst())
                        levels.append(IISLevel(settings: settings, site: site, path: parts.joined(separator: "/")))
                    } else {
                        levels.append(
                            IISLevel(settings: settings, site: .folder(folder), path: parts.joined(separator: "/")))
                    }
                }
            }
        }
        return levels
    }

    /// Gives each element its outcome.
    func close(_ elements: [XMLElement]) {
        for element in elements {
            guard ledger.close(element.item, orElse: IISKnowledge.outcome(of: element)) else { continue }
            for attribute in element.attributes {
                let item = Self.item(attribute, of: element)
                _ = ledger.close(item, orElse: IISKnowledge.outcome(of: attribute, of: element))
            }
            close(element.children)
        }
    }
}

/// One `system.webServer`, and what it is for.
struct IISLevel {
    enum Site: Equatable {
        case name(String)
        /// That of a `web.config`.
        case folder(String)
    }

    var settings: XMLElement
    /// Nil for every site.
    var site: Site?
    /// Below the site, without slashes at its ends.
    var path: String

    func belongs(to site: IISSite, chosen: String) -> Bool {
        switch self.site {
        case nil: true
        case .name(let name): name == site.name
        case .folder(let folder): site.folders.contains(folder) || site.name == chosen
        }
    }
}
