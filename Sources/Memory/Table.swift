/// A table of values in memory of its own, of which every access is checked against the bounds in every build.
///
/// Unlike an array it is not copied, not counted and never grows by itself, and one without elements has no memory.
@safe
@usableFromInline
package struct Table<Element: BitwiseCopyable>: ~Copyable {
    @usableFromInline let elements: UnsafeMutablePointer<Element>?
    @usableFromInline package let count: Int

    /// A table without elements.
    @inlinable @inline(__always)
    package init() {
        unsafe elements = nil
        count = 0
    }

    @inlinable
    package init(repeating value: Element, count: Int) {
        precondition(count > 0, "a table of nothing")
        let made = UnsafeMutablePointer<Element>.allocate(capacity: count)
        unsafe made.initialize(repeating: value, count: count)
        unsafe elements = made
        self.count = count
    }

    /// A larger table that begins with the elements of another one.
    @inlinable
    package init(_ other: borrowing Table, enlargedTo count: Int, with value: Element) {
        precondition(count >= other.count, "elements would be lost")
        self.init(repeating: value, count: count)
        if let source = unsafe other.elements {
            unsafe elements.unsafelyUnwrapped.update(from: source, count: other.count)
        }
    }

    @inlinable
    deinit { unsafe elements?.deallocate() }

    @inlinable
    package var isEmpty: Bool {
        @inline(__always) get { count == 0 }
    }

    @inlinable
    package subscript(index: Int) -> Element {
        @inline(__always)
        unsafeAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index outside the table")
            return unsafe UnsafePointer(elements.unsafelyUnwrapped + index)
        }
        @inline(__always)
        unsafeMutableAddress {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index outside the table")
            return unsafe elements.unsafelyUnwrapped + index
        }
    }

    /// An element whose index is known to be in the table.
    @unsafe @inlinable
    package subscript(unchecked index: Int) -> Element {
        @inline(__always)
        unsafeAddress { unsafe UnsafePointer(elements.unsafelyUnwrapped + index) }
        @inline(__always)
        unsafeMutableAddress { unsafe elements.unsafelyUnwrapped + index }
    }

    /// The first elements, valid as long as the table exists.
    @inlinable @inline(__always)
    package func prefix(_ length: Int) -> TableView<Element> {
        precondition(length >= 0 && length <= count, "elements outside the table")
        return unsafe TableView(start: elements, count: length)
    }
}

/// A read-only view of elements of a `Table`; as for `ByteView`, the bounds are checked and the lifetime is what the
/// owner of the table documents.
@safe
@usableFromInline
package struct TableView<Element: BitwiseCopyable>: BitwiseCopyable {
    @usableFromInline let start: UnsafePointer<Element>?
    @usableFromInline package let count: Int

    @inlinable @inline(__always)
    package init(start: UnsafePointer<Element>?, count: Int) {
        unsafe self.start = start
        self.count = count
    }
}

extension TableView: RandomAccessCollection {
    @inlinable
    package var startIndex: Int {
        @inline(__always) get { 0 }
    }

    @inlinable
    package var endIndex: Int {
        @inline(__always) get { count }
    }

    @inlinable
    package subscript(index: Int) -> Element {
        @inline(__always)
        get {
            precondition(UInt(bitPattern: index) < UInt(bitPattern: count), "an index outside the table")
            return unsafe start.unsafelyUnwrapped[index]
        }
    }
}
