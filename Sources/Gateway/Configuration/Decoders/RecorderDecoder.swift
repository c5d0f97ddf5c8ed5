extension ValueDecoder<RecorderConfiguration> {
    /// `recorder`: the section alone turns it on.
    static var recorder: Self {
        .mapping { keys in
            var recorder = RecorderConfiguration()
            recorder.requests = keys.take("requests", .integer(in: 10...100_000), default: recorder.requests)
            recorder.memory = keys.take("memory", .size(in: 64 << 10...256 << 20), default: recorder.memory)
            recorder.head = keys.take("head", .size(in: 256...1 << 20), default: recorder.head)
            recorder.kept = keys.take(
                "only", .word("which requests are kept", ["all": .all, "failed": .failed]), default: recorder.kept)
            recorder.maskedFields = keys.take("mask", .list("field names", of: .maskedName), default: [])
            recorder.maskedParameters = keys.take("mask_query", .list("parameter names", of: .maskedName), default: [])
            // A head may not displace nearly all of the others.
            if recorder.head > recorder.memory / 4 {
                keys.context.report(
                    "head (\(formatSize(recorder.head))) must not be larger than a quarter of memory "
                        + "(\(formatSize(recorder.memory)))",
                    at: keys.position(of: "head") ?? keys.position(of: "memory") ?? keys.position)
            }
            return recorder
        }
    }
}

extension ValueDecoder<String> {
    fileprivate static var maskedName: Self {
        text("a name of visible ASCII characters") { text in
            let isVisible = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
            return isVisible ? text : nil
        }
    }
}
