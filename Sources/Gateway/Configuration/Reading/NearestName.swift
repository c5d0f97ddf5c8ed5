/// The candidate that a mistyped name most probably means, or nil when none is close.
///
/// Close means at most one edit for each three characters and never more than three: an insertion, a removal, a
/// replacement or a swap of neighbours (the optimal string alignment distance).
package func nearestName(to name: String, among candidates: some Sequence<String>) -> String? {
    let typed = Array(name.lowercased().unicodeScalars)
    // Longer names are not typing errors, and their distance is not worth computing.
    guard typed.count <= 64 else { return nil }
    let bound = min(3, max(1, typed.count / 3))
    return
        candidates
        .map { (name: $0, distance: editDistance(typed, Array($0.lowercased().unicodeScalars.prefix(80)))) }
        .filter { $0.distance <= bound }
        .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?
        .name
}

private func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    var twoBack: [Int] = []
    var oneBack = Array(0...right.count)
    for (row, a) in left.enumerated() {
        var current = [row + 1]
        for (column, b) in right.enumerated() {
            var best = min(oneBack[column] + (a == b ? 0 : 1), oneBack[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, a == right[column - 1], left[row - 1] == b {
                best = min(best, twoBack[column - 1] + 1)
            }
            current.append(best)
        }
        twoBack = oneBack
        oneBack = current
    }
    return oneBack[right.count]
}
