import HTTP

/// Identifies the requests that are counted together, as a number that clients cannot predict.
struct RequestKey {
    private let trait: RequestTrait

    init(_ key: LimitKey) {
        trait = RequestTrait(key)
    }

    /// The request's key. The hash is seeded per process, so collisions cannot be constructed.
    func value(of exchange: Exchange) -> UInt64 {
        var hasher = Hasher()
        trait.withBytes(of: exchange) { unsafe hasher.combine(bytes: $0.raw) }
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    /// The request's key as every instance of a fleet computes it, whatever its length.
    func sharedValue(of exchange: Exchange, _ hash: SipHash) -> SipHash.Value {
        var value = SipHash.Value(low: 0, high: 0)
        trait.withBytes(of: exchange) { value = hash.value(of: $0) }
        return value
    }
}

extension RequestTrait {
    init(_ key: LimitKey) {
        self =
            switch key {
            case .route: .none
            case .address: .address
            case .header(let name): .header(name)
            case .cookie(let name): .cookie(name)
            }
    }
}
