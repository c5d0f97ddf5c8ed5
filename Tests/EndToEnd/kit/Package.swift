// swift-tools-version: 6.2
import PackageDescription

// Extensions for the tests, in a separate package that depends on ExtensionKit.
let uses: [Target.Dependency] = [
    .product(name: "ExtensionKit", package: "isagate"), .product(name: "HTTPTypes", package: "swift-http-types"),
]

let package = Package(
    name: "kit",
    products: [
        .library(name: "blocking", type: .dynamic, targets: ["Blocking"]),
        .library(name: "suspending", type: .dynamic, targets: ["Suspending"]),
    ],
    dependencies: [
        .package(name: "isagate", path: "../../.."),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: [.target(name: "Blocking", dependencies: uses), .target(name: "Suspending", dependencies: uses)]
)
