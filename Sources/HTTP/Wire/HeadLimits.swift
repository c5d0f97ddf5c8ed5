/// The limits of a request head, including line ends.
package struct HeadLimits: Equatable, Sendable {
    /// The maximum size of the whole head in bytes, from the first received byte to the empty line.
    package var maximumHead: Int
    /// The maximum length of the request line in bytes with its CRLF; limited by the maximum size of the head.
    package var maximumRequestLine: Int
    /// The maximum number of field lines.
    package var maximumFields: Int

    package init(maximumHead: Int = 64 << 10, maximumRequestLine: Int = 8 << 10, maximumFields: Int = 100) {
        self.maximumHead = maximumHead
        self.maximumRequestLine = maximumRequestLine
        self.maximumFields = maximumFields
    }
}
