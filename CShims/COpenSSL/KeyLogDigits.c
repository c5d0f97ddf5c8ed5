// The digits of OpenSSL's key log. OpenSSL 3.0 writes each of the five secrets of a handshake with one sprintf for each
// byte: 7 % of the instructions of a full handshake. It calls the function by the name that -D_FORTIFY_SOURCE gives
// it, and a definition in the program goes before the C library's. This one writes two digits itself and passes all else
// on, so it does the same for everybody. Later versions of OpenSSL call nothing of the kind; then it is not used.
#include <stdarg.h>
#include <stddef.h>

int __vsprintf_chk(char *text, int flag, size_t room, const char *format, va_list arguments);
int __sprintf_chk(char *text, int flag, size_t room, const char *format, ...);

static int is_two_digits(const char *format) {
  return format[0] == '%' && format[1] == '0' && format[2] == '2' && format[3] == 'x' && format[4] == '\0';
}

int __sprintf_chk(char *text, int flag, size_t room, const char *format, ...) {
  static const char digits[] = "0123456789abcdef";
  va_list arguments;
  va_start(arguments, format);
  if (is_two_digits(format) && room > 2) {
    unsigned value = va_arg(arguments, unsigned);
    if (value < 256) {
      text[0] = digits[value >> 4];
      text[1] = digits[value & 15];
      text[2] = '\0';
      va_end(arguments);
      return 2;
    }
    va_end(arguments);
    va_start(arguments, format);
  }
  int count = __vsprintf_chk(text, flag, room, format, arguments);
  va_end(arguments);
  return count;
}
