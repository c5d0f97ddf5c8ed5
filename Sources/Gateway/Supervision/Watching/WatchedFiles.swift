/// The files whose changes have to be noticed.
struct WatchedFiles: Equatable {
    /// The files of each watched certificate, and every other watched file, by absolute path.
    let groups: [[String]]

    /// Each once.
    var paths: [String] { Set(groups.joined()).sorted() }

    /// The files that differ, grouped with those that are only usable together: the ones of a certificate, and of all
    /// certificates that share one of them.
    func changes(from old: MaterialArchive, to new: MaterialArchive) -> [WatchTrial.Change] {
        var changes: [WatchTrial.Change] = []
        /// The index in `changes` of each file.
        var places: [String: Int] = [:]
        for group in groups {
            let files = group.filter { old.files[$0] != new.files[$0] }
            if files.isEmpty { continue }
            let known = Set(files.compactMap { places[$0] })
            let place = known.first ?? changes.count
            if place == changes.count { changes.append([]) }
            changes[place].formUnion(files)
            for other in known where other != place {
                changes[place].formUnion(changes[other])
                changes[other] = []
            }
            for file in known.count > 1 ? Array(changes[place]) : files { places[file] = place }
        }
        return changes.filter { !$0.isEmpty }
    }
}
