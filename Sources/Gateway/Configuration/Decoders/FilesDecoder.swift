extension ValueDecoder<FilesConfiguration> {
    /// A scalar is the folder.
    static var files: Self {
        section.or(scalar: ValueDecoder<String>.folder) { FilesConfiguration(root: $0) }
    }

    private static var section: Self {
        .mapping { keys in
            let defaults = FilesConfiguration(root: "")
            return FilesConfiguration(
                root: keys.require("root", .folder, placeholder: ""),
                index: keys.take("index", .list("names", of: .fileName), default: defaults.index),
                listing: keys.take("listing", .onOrOff("whether folders are listed"), default: defaults.listing),
                precompressed: keys.take("precompressed", .list("codings", of: .precompression), default: []),
                cacheControl: keys.take("cache_control", .fieldValue),
                fallback: keys.take("fallback", .relativePath),
                hidden: keys.take("hidden", .onOrOff("whether hidden files are served"), default: defaults.hidden),
                followSymlinks: keys.take(
                    "follow_symlinks", .onOrOff("whether links are followed"), default: defaults.followSymlinks),
                stripPrefix: keys.take("strip_prefix", .prefixToStrip, default: ""))
        }
    }
}

extension ValueDecoder<Bool> {
    static func onOrOff(_ noun: String) -> Self {
        .word(noun, ["on": true, "off": false])
    }
}

extension ValueDecoder<FilesConfiguration.Precompression> {
    fileprivate static var precompression: Self {
        .word("a coding of neighbours", ["br": .brotli, "zst": .zstandard, "gz": .gzip])
    }
}

extension ValueDecoder<String> {
    fileprivate static var fileName: Self {
        text("a file name without '/'") { name in
            name.isEmpty || name == "." || name == ".." || name.contains("/") || name.contains("\0") ? nil : name
        }
    }

    /// A path below the root, as in the URL, or without its leading slash.
    fileprivate static var relativePath: Self {
        text("a path below the root") { path in
            let relative = path.hasPrefix("/") ? path.dropFirst() : path[...]
            let names = relative.split(separator: "/", omittingEmptySubsequences: false)
            return names.contains { ["", ".", ".."].contains($0) } || path.contains("\0") ? nil : String(relative)
        }
    }

    fileprivate static var prefixToStrip: Self {
        text("a path such as /static") { path in
            guard path.hasPrefix("/") else { return nil }
            let names = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
            return names.contains { ["", ".", ".."].contains($0) } ? nil : path
        }
    }
}

extension ValueDecoder<FileCacheConfiguration> {
    static var fileCache: Self {
        let defaults = FileCacheConfiguration()
        return .mapping { keys in
            FileCacheConfiguration(
                files: keys.take("files", .integer(in: 16...1_000_000), default: defaults.files),
                memory: keys.take("memory", .size(in: 0...1 << 40), default: defaults.memory),
                smallFile: keys.take("small_file", .size(in: 0...16 << 20), default: defaults.smallFile),
                fresh: keys.take("fresh", .time(in: .zero ... .seconds(3600)), default: defaults.fresh),
                mapped: keys.take("mapped", .size(in: 0...1 << 40), default: defaults.mapped))
        }
    }
}
