/* The _s functions for C++, where the size of an array need not be given. */
#ifndef ISAPI_CRT_S_HPP
#define ISAPI_CRT_S_HPP

inline errno_t strcpy_s(char *destination, rsize_t size, const char *source) {
  return (void)size, isagate_strcpy_s(destination, ISAPI_SIZE(size), source);
}
inline errno_t strcat_s(char *destination, rsize_t size, const char *source) {
  return (void)size, isagate_strcat_s(destination, ISAPI_SIZE(size), source);
}
inline errno_t strncpy_s(char *destination, rsize_t size, const char *source, rsize_t count) {
  return (void)size, isagate_strncpy_s(destination, ISAPI_SIZE(size), source, count);
}
inline errno_t strncat_s(char *destination, rsize_t size, const char *source, rsize_t count) {
  return (void)size, isagate_strncat_s(destination, ISAPI_SIZE(size), source, count);
}
inline errno_t memcpy_s(void *destination, rsize_t size, const void *source, rsize_t count) {
  return (void)size, isagate_memcpy_s(destination, ISAPI_SIZE(size), source, count);
}
inline errno_t memmove_s(void *destination, rsize_t size, const void *source, rsize_t count) {
  return (void)size, isagate_memmove_s(destination, ISAPI_SIZE(size), source, count);
}
inline int vsprintf_s(char *buffer, rsize_t size, const char *format, va_list arguments) {
  return (void)size, isagate_vsprintf_s(buffer, ISAPI_SIZE(size), format, arguments);
}
inline int _vsnprintf_s(char *buffer, rsize_t size, size_t count, const char *format, va_list arguments) {
  return (void)size, isagate_vsnprintf_s(buffer, ISAPI_SIZE(size), count, format, arguments);
}
__attribute__((format(printf, 3, 4))) inline int sprintf_s(char *buffer, rsize_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsprintf_s(buffer, size, format, arguments);
  va_end(arguments);
  return length;
}
__attribute__((format(printf, 4, 5))) inline int _snprintf_s(char *buffer, rsize_t size, size_t count,
                                                             const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = _vsnprintf_s(buffer, size, count, format, arguments);
  va_end(arguments);
  return length;
}

template <size_t Size> inline errno_t strcpy_s(char (&destination)[Size], const char *source) {
  return strcpy_s(destination, Size, source);
}
template <size_t Size> inline errno_t strcat_s(char (&destination)[Size], const char *source) {
  return strcat_s(destination, Size, source);
}
template <size_t Size> inline errno_t strncpy_s(char (&destination)[Size], const char *source, rsize_t count) {
  return strncpy_s(destination, Size, source, count);
}
template <size_t Size> inline errno_t strncat_s(char (&destination)[Size], const char *source, rsize_t count) {
  return strncat_s(destination, Size, source, count);
}
template <size_t Size> inline int vsprintf_s(char (&buffer)[Size], const char *format, va_list arguments) {
  return vsprintf_s(buffer, Size, format, arguments);
}
template <size_t Size, typename... Values>
inline int sprintf_s(char (&buffer)[Size], const char *format, Values... values) {
  return sprintf_s(buffer, Size, format, values...);
}
template <size_t Size, typename... Values>
inline int _snprintf_s(char (&buffer)[Size], size_t count, const char *format, Values... values) {
  return _snprintf_s(buffer, Size, count, format, values...);
}

#endif
