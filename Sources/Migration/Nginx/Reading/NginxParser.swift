/// Reads nginx's configuration files into directives, with the files that they include.
struct NginxParser {
    private let files: any SourceFiles
    private let ledger: Ledger
    /// The folder of the first file, which relative includes begin at.
    private let folder: String
    private var budget = SourceBudget()
    private var count = 0
    /// The files that are being read, each included by the one before it.
    private var open: [String] = []

    /// - Parameter folder: the folder of nginx's main file.
    init(files: any SourceFiles, ledger: Ledger, folder: String) {
        self.files = files
        self.ledger = ledger
        self.folder = folder
    }

    /// The directives of a file, those of included files in place of `include`.
    mutating func parse(_ path: String) throws(MigrationError) -> [NginxDirective] {
        guard let bytes = try files.read(path) else { throw MigrationError(file: path, message: "no such file") }
        return try parse(bytes, path)
    }

    private mutating func parse(_ bytes: [UInt8], _ path: String) throws(MigrationError) -> [NginxDirective] {
        try budget.spend(bytes.count, on: path)
        open.append(FilePath.normal(path))
        defer { open.removeLast() }
        var lexer = NginxLexer(bytes, file: shown(path))
        let directives = try block(&lexer, file: shown(path), depth: 0)
        return directives
    }

    /// A path as messages and comments name it: relative to the folder of the first file.
    private func shown(_ path: String) -> String {
        let prefix = folder == "." ? "./" : folder + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    private mutating func block(
        _ lexer: inout NginxLexer, file: String, depth: Int
    ) throws(MigrationError) -> [NginxDirective] {
        guard depth <= SourceLimit.depth else {
            throw lexer.failure("blocks are nested more than \(SourceLimit.depth) deep")
        }
        var directives: [NginxDirective] = []
        while true {
            let token = try lexer.next()
            switch token {
            case .end where depth == 0, .close where depth > 0: return directives
            case .end: throw lexer.failure("the file ends inside of a block; expected '}'")
            case .close: throw lexer.failure("unexpected '}'")
            case .semicolon: throw lexer.failure("unexpected ';'")
            case .open: throw lexer.failure("unexpected '{'")
            case .word(let name):
                let directive = try directive(name, &lexer, file: file, depth: depth)
                if directive.name == "include", directive.block == nil {
                    directives += try included(by: directive)
                } else {
                    directives.append(directive)
                }
            }
        }
    }

    private mutating func directive(
        _ name: String, _ lexer: inout NginxLexer, file: String, depth: Int
    ) throws(MigrationError) -> NginxDirective {
        count += 1
        guard count <= SourceLimit.items else { throw lexer.failure("more than \(SourceLimit.items) directives") }
        var directive = NginxDirective(
            id: count, name: name, arguments: [], place: Place(file: file, line: lexer.tokenLine),
            column: lexer.tokenColumn)
        while true {
            switch try lexer.next() {
            case .word(let word): directive.arguments.append(word)
            case .semicolon: return directive
            case .open:
                if name.hasSuffix("_by_lua_block") {
                    try lexer.skipForeignBlock()
                    directive.block = []
                } else {
                    directive.block = try block(&lexer, file: file, depth: depth + 1)
                }
                directive.lastLine = lexer.line
                return directive
            case .close: throw lexer.failure("unexpected '}'; the directive '\(name)' needs a ';'")
            case .end: throw lexer.failure("the file ends inside of the directive '\(name)'; expected ';'")
            }
        }
    }
}

extension NginxParser {
    private mutating func included(by directive: NginxDirective) throws(MigrationError) -> [NginxDirective] {
        let pattern = directive.first
        // Media types follow from the system's list and a built-in one.
        if FilePath.name(of: pattern) == "mime.types" {
            ledger.markUnneeded(directive.item, "media types follow from /etc/mime.types and a built-in list")
            return [directive]
        }
        let including = open.last.map(FilePath.folder) ?? folder
        for path in candidates(pattern, including) {
            if FileGlob.isPattern(pattern) {
                let paths = try FileGlob.paths(path, in: files)
                if paths.isEmpty { continue }
                ledger.carry(directive.item)
                var directives: [NginxDirective] = []
                for path in paths {
                    guard let bytes = try files.read(path) else { continue }
                    directives += try parseIncluded(bytes, path, by: directive)
                }
                return directives
            }
            if let bytes = try files.read(path) {
                ledger.carry(directive.item)
                return try parseIncluded(bytes, path, by: directive)
            }
        }
        if FileGlob.isPattern(pattern) {
            ledger.markUnneeded(directive.item, "no file matches the pattern")
        } else {
            ledger.omit(directive.item, "there is no such file here; copy it to the place, or name it after this one")
        }
        return [directive]
    }

    /// The paths that an include may mean: nginx begins at the folder of its main file; snippets that were copied
    /// together may be beside the file, and a copy of /etc/nginx may be anywhere.
    private func candidates(_ pattern: String, _ including: String) -> [String] {
        if pattern.hasPrefix("/") {
            guard let range = pattern.firstRange(of: "/nginx/") else { return [pattern] }
            return [pattern, FilePath.join(folder, String(pattern[range.upperBound...]))]
        }
        return [FilePath.join(folder, pattern), FilePath.join(including, pattern)]
    }

    private mutating func parseIncluded(
        _ bytes: [UInt8], _ path: String, by directive: NginxDirective
    ) throws(MigrationError) -> [NginxDirective] {
        guard !open.contains(FilePath.normal(path)) else {
            throw failure(directive, "\(shown(path)) includes itself, by way of this line")
        }
        guard open.count < SourceLimit.depth else {
            throw failure(directive, "files include each other more than \(SourceLimit.depth) deep")
        }
        return try parse(bytes, path)
    }

    private func failure(_ directive: NginxDirective, _ message: String) -> MigrationError {
        MigrationError(
            file: directive.place.file, line: directive.place.line, column: directive.column, message: message)
    }
}
