// The Brotli encoder's own header, for builds with the trait Brotli; empty if the library is not installed.
#ifndef CBROTLI_H
#define CBROTLI_H

#if __has_include(<brotli/encode.h>)
#include <brotli/encode.h>
#endif

#endif
