// zlib and libdeflate for Swift: the libraries' own headers, and one function for each macro that the importer cannot
// see. Shims are named for the macro they wrap.
#ifndef CZLIB_H
#define CZLIB_H

#include <libdeflate.h>
#include <zlib.h>

static inline int CZlib_deflateInit2(z_stream *stream, int level, int window_bits, int memory_level) {
  return deflateInit2(stream, level, Z_DEFLATED, window_bits, memory_level, Z_DEFAULT_STRATEGY);
}

static inline int CZlib_inflateInit2(z_stream *stream, int window_bits) { return inflateInit2(stream, window_bits); }

#endif
