#include "CNGHTTP2.h"

#include <nghttp2/nghttp2.h>
#include <string.h>

enum { header = 5, staticEntries = 61 };

CNGHTTP2_deflater CNGHTTP2_newDeflater(size_t maximumTable) {
    nghttp2_hd_deflater *deflater = NULL;
    return nghttp2_hd_deflate_new(&deflater, maximumTable) == 0 ? deflater : NULL;
}

void CNGHTTP2_deleteDeflater(CNGHTTP2_deflater deflater) { nghttp2_hd_deflate_del(deflater); }

CNGHTTP2_inflater CNGHTTP2_newInflater(void) {
    nghttp2_hd_inflater *inflater = NULL;
    return nghttp2_hd_inflate_new(&inflater) == 0 ? inflater : NULL;
}

void CNGHTTP2_deleteInflater(CNGHTTP2_inflater inflater) { nghttp2_hd_inflate_del(inflater); }

void CNGHTTP2_resizeDeflater(CNGHTTP2_deflater deflater, size_t maximumTable) {
    nghttp2_hd_deflate_change_table_size(deflater, maximumTable);
}

void CNGHTTP2_resizeInflater(CNGHTTP2_inflater inflater, size_t maximumTable) {
    nghttp2_hd_inflate_change_table_size(inflater, maximumTable);
}

/// Appends a field to a list; false when there is no space.
static int append(const nghttp2_nv *field, uint8_t *list, size_t *count, size_t capacity) {
    if (*count + header + field->namelen + field->valuelen > capacity) return 0;
    uint8_t *place = list + *count;
    place[0] = (uint8_t)field->namelen;
    place[1] = (uint8_t)(field->namelen >> 8);
    place[2] = (uint8_t)field->valuelen;
    place[3] = (uint8_t)(field->valuelen >> 8);
    place[4] = field->flags & NGHTTP2_NV_FLAG_NO_INDEX ? 1 : 0;
    if (field->namelen > 0) memcpy(place + header, field->name, field->namelen);
    if (field->valuelen > 0) memcpy(place + header + field->namelen, field->value, field->valuelen);
    *count += header + field->namelen + field->valuelen;
    return 1;
}

long CNGHTTP2_deflate(
    CNGHTTP2_deflater deflater, const uint8_t *list, size_t count, uint8_t *block, size_t capacity) {
    nghttp2_nv fields[256];
    size_t fieldCount = 0;
    for (size_t at = 0; at < count && fieldCount < 256; fieldCount++) {
        nghttp2_nv *field = &fields[fieldCount];
        field->namelen = list[at] | (size_t)list[at + 1] << 8;
        field->valuelen = list[at + 2] | (size_t)list[at + 3] << 8;
        field->flags = list[at + 4] ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
        field->name = (uint8_t *)list + at + header;
        field->value = field->name + field->namelen;
        at += header + field->namelen + field->valuelen;
    }
    return nghttp2_hd_deflate_hd(deflater, block, capacity, fields, fieldCount);
}

long CNGHTTP2_inflate(
    CNGHTTP2_inflater inflater, const uint8_t *block, size_t count, uint8_t *list, size_t capacity) {
    size_t listed = 0;
    for (;;) {
        nghttp2_nv field;
        int flags = 0;
        long taken = nghttp2_hd_inflate_hd2(inflater, &field, &flags, block, count, 1);
        if (taken < 0) return taken;
        block += taken;
        count -= (size_t)taken;
        if (flags & NGHTTP2_HD_INFLATE_EMIT && !append(&field, list, &listed, capacity)) return -1;
        if (flags & NGHTTP2_HD_INFLATE_FINAL) {
            nghttp2_hd_inflate_end_headers(inflater);
            return (long)listed;
        }
    }
}

long CNGHTTP2_inflaterTable(CNGHTTP2_inflater inflater, uint8_t *list, size_t capacity) {
    size_t listed = 0;
    size_t last = nghttp2_hd_inflate_get_num_table_entries(inflater);
    for (size_t index = staticEntries + 1; index <= last; index++) {
        if (!append(nghttp2_hd_inflate_get_table_entry(inflater, index), list, &listed, capacity)) return -1;
    }
    return (long)listed;
}

long CNGHTTP2_deflaterTable(CNGHTTP2_deflater deflater, uint8_t *list, size_t capacity) {
    size_t listed = 0;
    size_t last = nghttp2_hd_deflate_get_num_table_entries(deflater);
    for (size_t index = staticEntries + 1; index <= last; index++) {
        if (!append(nghttp2_hd_deflate_get_table_entry(deflater, index), list, &listed, capacity)) return -1;
    }
    return (long)listed;
}
