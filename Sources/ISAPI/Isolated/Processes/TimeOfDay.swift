import Glibc

/// When a time of the day comes next.
enum TimeOfDay {
    /// How long it takes until the next of these times, in minutes since midnight, local time; more than zero, nil
    /// without a time.
    static func untilNext(of minutes: [Int]) -> Duration? {
        var now = time(nil)
        var local = unsafe tm()
        unsafe localtime_r(&now, &local)
        return minutes.map { minute in
            // A day with a change of the clocks is as long as mktime(3) makes it.
            let next =
                [0, 1].lazy.map { unsafe instant(of: minute, on: local, after: $0) }.first { $0 > now } ?? now + 86_400
            return Duration.seconds(next - now)
        }.min()
    }

    private static func instant(of minute: Int, on day: tm, after days: Int32) -> time_t {
        var wanted = unsafe day
        unsafe wanted.tm_mday += days
        unsafe wanted.tm_hour = Int32(minute / 60)
        unsafe wanted.tm_min = Int32(minute % 60)
        unsafe wanted.tm_sec = 0
        unsafe wanted.tm_isdst = -1
        return unsafe mktime(&wanted)
    }
}
