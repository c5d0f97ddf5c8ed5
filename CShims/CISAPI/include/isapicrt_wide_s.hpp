/* The _s functions of WCHAR texts for C++, where the size of an array need not be given. */
#ifndef ISAPI_CRT_WIDE_S_HPP
#define ISAPI_CRT_WIDE_S_HPP

inline errno_t wcscpy_s(WCHAR *destination, rsize_t size, const WCHAR *source) {
  return isagate_wcscpy_s(destination, size, source);
}
inline errno_t wcscat_s(WCHAR *destination, rsize_t size, const WCHAR *source) {
  return isagate_wcscat_s(destination, size, source);
}
inline errno_t wcsncpy_s(WCHAR *destination, rsize_t size, const WCHAR *source, rsize_t count) {
  return isagate_wcsncpy_s(destination, size, source, count);
}
inline int vswprintf_s(WCHAR *buffer, rsize_t size, const WCHAR *format, va_list arguments) {
  return isagate_vsnwprintf(buffer, size, format, arguments);
}
inline int _vsnwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, va_list arguments) {
  return isagate_vsnwprintf_s(buffer, size, count, format, arguments);
}
template <typename... Values>
inline int swprintf_s(WCHAR *buffer, rsize_t size, const WCHAR *format, Values... values) {
  return isagate_snwprintf(buffer, size, format, values...);
}
template <typename... Values>
inline int _snwprintf_s(WCHAR *buffer, rsize_t size, size_t count, const WCHAR *format, Values... values) {
  return isagate_snwprintf_s(buffer, size, count, format, values...);
}

template <size_t Size> inline errno_t wcscpy_s(WCHAR (&destination)[Size], const WCHAR *source) {
  return wcscpy_s(destination, Size, source);
}
template <size_t Size> inline errno_t wcscat_s(WCHAR (&destination)[Size], const WCHAR *source) {
  return wcscat_s(destination, Size, source);
}
template <size_t Size> inline errno_t wcsncpy_s(WCHAR (&destination)[Size], const WCHAR *source, rsize_t count) {
  return wcsncpy_s(destination, Size, source, count);
}
template <size_t Size, typename... Values>
inline int swprintf_s(WCHAR (&buffer)[Size], const WCHAR *format, Values... values) {
  return swprintf_s(&buffer[0], Size, format, values...);
}
template <size_t Size, typename... Values>
inline int _snwprintf_s(WCHAR (&buffer)[Size], size_t count, const WCHAR *format, Values... values) {
  return _snwprintf_s(&buffer[0], Size, count, format, values...);
}

#endif
