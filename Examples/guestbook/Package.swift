// swift-tools-version: 6.2
import PackageDescription

// A package of its own, as yours would be; yours names the gateway by the URL of its repository and a version.
let package = Package(
    name: "guestbook",
    products: [.library(name: "guestbook", type: .dynamic, targets: ["Guestbook"])],
    dependencies: [
        .package(name: "isagate", path: "../.."),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: [
        .target(
            name: "Guestbook",
            dependencies: [
                .product(name: "ExtensionKit", package: "isagate"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: ".", exclude: ["README.md", "guestbook.so"], sources: ["guestbook.swift"])
    ]
)
