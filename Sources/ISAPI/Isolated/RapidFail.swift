/// How many crashes within a time stop an extension, and for how long (rapid-fail protection in IIS).
package struct RapidFail: Sendable, Equatable {
    package var crashes = 5
    package var within = Duration.seconds(300)
    package var pause = Duration.seconds(300)

    package init() {}
}
