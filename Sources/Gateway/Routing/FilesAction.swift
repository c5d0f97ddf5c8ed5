import HTTP
import StaticFiles
import Transport

/// `files`: serves the files of a folder.
final class FilesAction: Action {
    private let handler: FilesHandler

    init(_ handler: FilesHandler) {
        self.handler = handler
    }

    override func answer(_ exchange: Exchange) -> Disposition {
        handler.answer(exchange)
    }
}

/// What the routes with files of one worker share.
final class SharedFiles {
    private let cache: FileCache
    private let types: MediaTypes
    private var count = 0

    init(cache: FileCache, types: MediaTypes) {
        self.cache = cache
        self.types = types
    }

    func handler(for configuration: FilesConfiguration, rules: PathRules, reporter: FilesLog) -> FilesHandler {
        count += 1
        return FilesHandler(
            FilesOptions(configuration, rules), number: count, cache: cache, types: types, reporter: reporter)
    }
}

extension FilesOptions {
    init(_ files: FilesConfiguration, _ rules: PathRules) {
        self.init(root: files.root)
        index = files.index
        listsFolders = files.listing
        precompressed = files.precompressed.map { coding in
            switch coding {
            case .brotli: .brotli
            case .zstandard: .zstandard
            case .gzip: .gzip
            }
        }
        cacheControl = files.cacheControl
        fallback = files.fallback
        servesHidden = files.hidden
        followsLinks = files.followSymlinks
        strippedPrefix = files.stripPrefix
        if !rules.allowsBackslash { forbiddenBytes.append(UInt8(ascii: "\\")) }
        if !rules.allowsParameters { forbiddenBytes.append(UInt8(ascii: ";")) }
    }
}

extension FileCacheLimits {
    init(_ cache: FileCacheConfiguration) {
        self.init()
        files = cache.files
        memory = cache.memory
        smallFile = cache.smallFile
        fresh = Delay(cache.fresh)
    }
}
