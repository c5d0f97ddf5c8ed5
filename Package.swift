// swift-tools-version: 6.2
import PackageDescription

// The list of targets below is the architecture: every edge of ARCHITECTURE.md is a
// dependency here, and the build refuses an import that is not declared.

/// Exclusive access is checked at run time in debug builds, which all unit tests use; release builds omit the checks,
/// because the data of a request belongs to one worker's thread.
let strictness: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Libraries that other packages use must not have flags that SwiftPM calls unsafe.
let libraryStrictness = Array(strictness.dropLast())

/// A C shim for one system interface.
func shim(_ name: String, links: [LinkerSetting] = []) -> Target {
    .target(name: name, path: "CShims/\(name)", publicHeadersPath: "include", linkerSettings: links)
}

/// A module of the gateway.
func module(_ name: String, uses dependencies: [Target.Dependency], in folder: String = "Sources") -> Target {
    .target(name: name, dependencies: dependencies, path: "\(folder)/\(name)", swiftSettings: strictness)
}

/// The unit tests of one module.
func tests(_ name: String, uses extra: [Target.Dependency] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.target(name: name), "Memory"] + extra, path: "Tests/\(name)Tests",
        swiftSettings: strictness)
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let log = Target.Dependency.product(name: "Logging", package: "swift-log")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "isagate",
    products: [
        .executable(name: "isagate", targets: ["isagate"]),
        .library(name: "ExtensionKit", targets: ["ExtensionKit"]),
    ],
    // Content codings beyond gzip; each needs one more library.
    traits: [.trait(name: "Brotli"), .trait(name: "Zstd")],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        // Its support for Foundation's URL would link Foundation into every extension.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        shim("CLinux"),
        shim("CCrypt", links: [.linkedLibrary("crypt")]),
        shim("COpenSSL", links: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        shim("CZlib", links: [.linkedLibrary("z"), .linkedLibrary("deflate")]),
        shim("CBrotli", links: [.linkedLibrary("brotlienc", .when(traits: ["Brotli"]))]),
        shim("CZstd", links: [.linkedLibrary("zstd", .when(traits: ["Zstd"]))]),
        shim("CAres", links: [.linkedLibrary("cares")]),
        shim("CPCRE2", links: [.linkedLibrary("pcre2-8")]),
        shim("CISAPI"),
        shim("CPoolProtocol"),
        shim("CExtensionKit"),
        // The functions of windows.h. An extension finds them in the process that loads it, whether it is linked to
        // the library made of the same files or to nothing.
        .target(
            name: "CCompat", dependencies: ["CISAPI"], path: "CShims/CCompat", exclude: ["exports.list"],
            publicHeadersPath: "include",
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--dynamic-list=\(Context.packageDirectory)/CShims/CCompat/exports.list"])
            ]),

        .target(
            name: "Memory", path: "Sources/Memory",
            swiftSettings: strictness + [.enableExperimentalFeature("Lifetimes")]),
        module("Transport", uses: ["Memory", "CLinux"]),
        module("TLS", uses: ["Memory", "Transport", "COpenSSL"]),
        module("HTTP", uses: ["Memory", "Transport", "CLinux"]),
        module(
            "Compression",
            uses: [
                "Memory", "HTTP", "CZlib", .target(name: "CBrotli", condition: .when(traits: ["Brotli"])),
                .target(name: "CZstd", condition: .when(traits: ["Zstd"])),
            ]),
        module("ISAPI", uses: ["Memory", "HTTP", "Transport", "CISAPI", "CCompat", "CLinux", "CPoolProtocol"]),
        module("StaticFiles", uses: ["Memory", "HTTP", "Transport", "CLinux"]),
        module("Proxy", uses: ["Memory", "HTTP", "Transport", "CAres", "CLinux"]),
        module("ACME", uses: ["Memory", "Transport", "TLS", "CLinux"]),
        module("Redis", uses: ["Memory", "Transport"]),
        module(
            "Gateway",
            uses: [
                "Memory", "Transport", "TLS", "HTTP", "ACME", "Compression", "ISAPI", "StaticFiles", "Proxy", "Redis",
                "CCrypt", "CLinux", "CPCRE2", yams, log,
            ]),
        // Reads configurations of other servers; it uses nothing of the gateway.
        module("Migration", uses: []),
        .executableTarget(
            name: "isagate", dependencies: ["Gateway", "Migration", arguments], path: "Sources/isagate",
            swiftSettings: strictness),

        // For extensions in Swift. It uses only the contract, nothing else of the gateway.
        .target(
            name: "ExtensionKit", dependencies: ["CISAPI", "CExtensionKit", httpTypes], path: "Sources/ExtensionKit",
            swiftSettings: libraryStrictness),

        // Workers and client connections, for the tests that need real ones.
        module("TestSupport", uses: ["Memory", "Transport", "CLinux"], in: "Tests"),
        tests("Transport", uses: ["TestSupport", "CLinux"]),
        // nghttp2's field compression, with which the gateway's is compared.
        .target(
            name: "CNGHTTP2", path: "Tests/CNGHTTP2", publicHeadersPath: "include",
            linkerSettings: [.linkedLibrary("nghttp2")]),
        tests("HTTP", uses: ["TestSupport", "Transport", "CLinux", "CNGHTTP2"]),
        tests("Proxy", uses: ["TestSupport", "HTTP", "Transport"]), tests("Redis", uses: ["TestSupport", "Transport"]),
        tests("ISAPI", uses: ["HTTP", "CISAPI"]), tests("Gateway", uses: ["TLS", "HTTP", "Transport"]),
        tests("StaticFiles", uses: ["HTTP"]), tests("Migration"),
        tests("TLS", uses: ["TestSupport", "Transport", "COpenSSL", "CLinux"]),
        tests("Compression", uses: ["HTTP", "CZlib"]), tests("ACME", uses: ["TLS", "Transport", "CLinux"]),
        tests("ExtensionKit", uses: ["CISAPI", "CCompat", httpTypes]),
    ]
)
