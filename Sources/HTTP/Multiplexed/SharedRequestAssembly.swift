/// The request assembly that the connections of a service use one after another.
final class SharedRequestAssembly {
    var value: RequestAssembly

    init(_ limits: HeadLimits) {
        value = RequestAssembly(limits: limits)
    }
}
