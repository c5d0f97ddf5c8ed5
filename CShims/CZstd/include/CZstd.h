// The Zstandard library's own header, for builds with the trait Zstd; empty if the library is not installed.
#ifndef CZSTD_H
#define CZSTD_H

#if __has_include(<zstd.h>)
#include <zstd.h>
#endif

#endif
