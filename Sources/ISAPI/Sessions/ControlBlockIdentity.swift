/// The control block by which an extension calls, as an identity: it is compared, never accessed, so it may be that of a
/// request that has ended.
struct ControlBlockIdentity: Equatable, BitwiseCopyable {
    private let address: UInt

    init(_ block: UnsafeRawPointer) { address = UInt(bitPattern: block) }
}
