extension [UInt8] {
    /// The content of a text file without the byte order mark that some editors put in front of UTF-8 (RFC 3629 §6).
    package var withoutByteOrderMark: ArraySlice<UInt8> {
        starts(with: [0xEF, 0xBB, 0xBF]) ? dropFirst(3) : self[...]
    }
}
