// The functions that an extension in Swift requires of the process that has loaded it.
#ifndef CEXTENSIONKIT_H
#define CEXTENSIONKIT_H

#include <stdint.h>

// The handle of the library that contains `address`, which from then on stays in the process; NULL outside of a
// library.
void *CExtensionKit_pin_library(const void *address);

// The last error of the calling thread. Programs without one, such as unit tests, can be linked all the same: there the
// number is ERROR_INVALID_FUNCTION, and setting it has no effect.
uint32_t CExtensionKit_last_error(void);
void CExtensionKit_set_last_error(uint32_t number);

#endif
