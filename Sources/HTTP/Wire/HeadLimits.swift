/// How much of a request head is accepted, line ends included.
package struct HeadLimits: Equatable, Sendable {
    /// Bytes of the whole head, from the first byte received to the empty line.
    package var maximumHead: Int
    /// Bytes of the request line with its CRLF; never counts for more than the head has room for.
    package var maximumRequestLine: Int
    /// Field lines.
    package var maximumFields: Int

    package init(maximumHead: Int = 64 << 10, maximumRequestLine: Int = 8 << 10, maximumFields: Int = 100) {
        self.maximumHead = maximumHead
        self.maximumRequestLine = maximumRequestLine
        self.maximumFields = maximumFields
    }
}
