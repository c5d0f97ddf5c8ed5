/// A mapping of the configuration that is written, each entry with its origin.
package struct ConfigurationSection: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package var key: String
        package var value: ConfigurationValue
        package var origin: Origin
    }

    package private(set) var entries: [Entry] = []

    package init() {}

    package var isEmpty: Bool { entries.isEmpty }

    package subscript(key: String) -> ConfigurationValue? { entries.first { $0.key == key }?.value }

    /// Sets a key; a key that is set again keeps its position.
    package mutating func set(_ key: String, _ value: ConfigurationValue, _ origin: Origin) {
        let entry = Entry(key: key, value: value, origin: origin)
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index] = entry
        } else {
            entries.append(entry)
        }
    }

    package mutating func set(_ key: String, _ text: String, _ origin: Origin) {
        set(key, .text(text), origin)
    }

    /// Sets a key, except to an empty mapping.
    package mutating func set(_ key: String, _ section: ConfigurationSection, _ origin: Origin) {
        if !section.isEmpty { set(key, .section(section), origin) }
    }

    package mutating func append(contentsOf other: ConfigurationSection) {
        for entry in other.entries { set(entry.key, entry.value, entry.origin) }
    }
}

/// A value of the configuration that is written.
package indirect enum ConfigurationValue: Sendable, Equatable {
    /// One scalar.
    case text(String)
    /// Scalars in one line.
    case texts([String])
    case section(ConfigurationSection)
    /// Mappings below each other.
    case sections([ConfigurationSection])
    /// `{}`.
    case defaults

    package static func number(_ number: Int) -> Self { .text(String(number)) }
}
