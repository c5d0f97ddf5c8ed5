/// A site with its applications and virtual directories.
struct IISSite {
    struct Folder {
        /// `/` or `/app`, without a slash at its end.
        var path: String
        var folder: String
        var pool: String?
        var place: Place
    }

    struct Binding {
        var address: String
        var port: Int
        var host: String
        var usesTLS: Bool
        var place: Place
    }

    var name: String
    var place: Place
    var parts: [Folder] = []
    var bindings: [Binding] = []

    var folders: [String] { parts.map(\.folder) }

    /// A site for a `web.config` alone.
    init(folder: String, place: Place) {
        name = ""
        self.place = place
        parts = [Folder(path: "/", folder: folder, place: place)]
        bindings = [Binding(address: "", port: 80, host: "", usesTLS: false, place: place)]
    }

    init(_ element: XMLElement, _ translation: IISTranslation) {
        translation.carry(element)
        name = translation.take(element, "name") ?? ""
        place = element.place
        for child in element.children {
            switch child.name {
            case "application": addApplication(child, translation)
            case "bindings":
                translation.carry(child)
                for binding in child.children where binding.name == "binding" { add(binding, translation) }
            default: break
            }
        }
        parts.sort { $0.path.count > $1.path.count }
    }

    private mutating func addApplication(_ element: XMLElement, _ translation: IISTranslation) {
        translation.carry(element)
        let base = Self.trimmed(translation.take(element, "path") ?? "/")
        let pool = translation.take(element, "applicationPool")
        for directory in element.children where directory.name == "virtualDirectory" {
            translation.carry(directory)
            let path = Self.trimmed(base + (translation.take(directory, "path") ?? "/"))
            guard let physical = translation.take(directory, "physicalPath"), !physical.isEmpty else { continue }
            parts.append(
                Folder(
                    path: path.isEmpty ? "/" : path, folder: translation.path(physical, directory), pool: pool,
                    place: directory.place))
        }
    }

    /// Without slashes at the end, and without repeated ones.
    private static func trimmed(_ path: String) -> String {
        let segments = path.split(separator: "/")
        return segments.isEmpty ? "" : "/" + segments.joined(separator: "/")
    }

    private mutating func add(_ element: XMLElement, _ translation: IISTranslation) {
        let kind = element["protocol"] ?? ""
        guard kind == "http" || kind == "https" else {
            return translation.omit(element, "the gateway serves HTTP and HTTPS; keep another program for '\(kind)'")
        }
        translation.carry(element)
        _ = translation.take(element, "protocol")
        let text = translation.take(element, "bindingInformation") ?? ""
        let end = text.hasPrefix("[") ? text.firstIndex(of: "]") ?? text.startIndex : text.startIndex
        let parts = text[end...].split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 2, let port = Int(parts[1]), (1...65535).contains(port) else {
            return translation.omit(element, "its bindingInformation is not address:port:host")
        }
        let address = String(text[..<end]) + parts[0]
        if kind == "https" {
            _ = (translation.take(element, "sslFlags"), translation.take(element, "certificateHash"))
            _ = translation.take(element, "certificateStoreName")
            translation.ledger.remark(
                element.place,
                "export the certificate with its key from Windows (PFX), convert it to PEM with 'openssl pkcs12', and put "
                    + "it where 'certificates' of the site says")
        }
        bindings.append(
            Binding(
                address: address == "*" ? "" : address, port: port, host: parts.count > 2 ? parts[2].lowercased() : "",
                usesTLS: kind == "https", place: element.place))
    }
}

/// The listeners: one for each address and port.
struct IISListeners {
    private(set) var section = ConfigurationSection()
    private var names: [String: String] = [:]

    init(_ sites: [IISSite], _ translation: IISTranslation) {
        let bindings = sites.flatMap(\.bindings)
        // The address that includes others is bound alone; sites are told apart by their hosts.
        let wildcards = Set(bindings.filter { $0.address.isEmpty }.map(\.port))
        for binding in bindings {
            var address = binding.address
            if !address.isEmpty, wildcards.contains(binding.port) {
                translation.ledger.remark(binding.place, "the site is served on every address, as another site is")
                address = ""
            }
            let bind = "\(address):\(binding.port)"
            let key = "\(binding.address):\(binding.port)"
            if let existing = names[bind] {
                names[key] = existing
                continue
            }
            var name = "\(binding.usesTLS ? "https" : "http")-\(binding.port)"
            if name == "http-80" { name = "http" }
            if name == "https-443" { name = "https" }
            var unique = name
            var number = 2
            while section[unique] != nil {
                unique = "\(name)-\(number)"
                number += 1
            }
            names[bind] = unique
            names[key] = unique
            var listener = ConfigurationSection()
            listener.set("bind", bind, .place(binding.place))
            if binding.usesTLS { listener.set("tls", .defaults, .place(binding.place)) }
            section.set(unique, .section(listener), .place(binding.place))
        }
    }

    func name(of binding: IISSite.Binding) -> String { names["\(binding.address):\(binding.port)"] ?? "http" }
}

/// The extensions of all sites.
struct IISExtensions {
    private(set) var section = ConfigurationSection()
    private(set) var pools = Set<String>()
    private var names: [String: String] = [:]

    /// Letters, digits, `-`, `_` and `.`.
    static func name(_ text: String) -> String {
        let clean = String(
            text.unicodeScalars.map {
                $0.isASCII && (isLetterOrDigit(UInt8($0.value)) || "-_.".unicodeScalars.contains($0))
                    ? Character($0) : "-"
            })
        return clean.isEmpty ? "pool" : clean
    }

    /// The name of the extension that a library is in a pool.
    mutating func use(_ library: String, pool: String?, _ origin: Origin) -> String {
        let key = "\(library) \(pool ?? "")"
        if let name = names[key] { return name }
        let file = FilePath.name(of: library)
        let base = Self.name(file.hasSuffix(".so") ? String(file.dropLast(3)) : file)
        var name = base
        var number = 2
        while section[name] != nil {
            name = "\(base)-\(number)"
            number += 1
        }
        names[key] = name
        var one = ConfigurationSection()
        one.set("library", library, origin)
        if let pool {
            pools.insert(Self.name(pool))
            one.set("pool", Self.name(pool), origin)
        }
        one.set("paths", "windows", .reason("sources for Windows often take paths apart at backslashes"))
        section.set(name, .section(one), origin)
        return name
    }
}
