// The field compression of nghttp2, another implementation that the tests compare ours with. It is no part of the
// product.
//
// Lists of fields are bytes: for each field the counts of its name and value, two octets each, the lowest first; a flag
// octet, 1 for a field that must never be indexed; the name; the value.
#ifndef CNGHTTP2_H
#define CNGHTTP2_H

#include <stddef.h>
#include <stdint.h>

typedef struct nghttp2_hd_deflater *CNGHTTP2_deflater;
typedef struct nghttp2_hd_inflater *CNGHTTP2_inflater;

CNGHTTP2_deflater CNGHTTP2_newDeflater(size_t maximumTable);
void CNGHTTP2_deleteDeflater(CNGHTTP2_deflater deflater);
CNGHTTP2_inflater CNGHTTP2_newInflater(void);
void CNGHTTP2_deleteInflater(CNGHTTP2_inflater inflater);

void CNGHTTP2_resizeDeflater(CNGHTTP2_deflater deflater, size_t maximumTable);
void CNGHTTP2_resizeInflater(CNGHTTP2_inflater inflater, size_t maximumTable);

/// The field block of a list: its bytes, or a negative error of nghttp2.
long CNGHTTP2_deflate(
    CNGHTTP2_deflater deflater, const uint8_t *list, size_t count, uint8_t *block, size_t capacity);

/// The list of a field block: its bytes, or a negative error of nghttp2.
long CNGHTTP2_inflate(
    CNGHTTP2_inflater inflater, const uint8_t *block, size_t count, uint8_t *list, size_t capacity);

/// The entries of the dynamic table as a list, the newest first.
long CNGHTTP2_inflaterTable(CNGHTTP2_inflater inflater, uint8_t *list, size_t capacity);
long CNGHTTP2_deflaterTable(CNGHTTP2_deflater deflater, uint8_t *list, size_t capacity);

#endif
