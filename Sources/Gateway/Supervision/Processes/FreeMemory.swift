import CLinux

/// Returns freed memory to the system: reading, building and reporting take, for thousands of sites, as much temporary
/// memory as the result.
func giveBackFreeMemory() {
    malloc_trim(0)
}
