/// The assembly that the connections of a service fill one after the other.
final class SharedRequestAssembly {
    var value: RequestAssembly

    init(_ limits: HeadLimits) {
        value = RequestAssembly(limits: limits)
    }
}
