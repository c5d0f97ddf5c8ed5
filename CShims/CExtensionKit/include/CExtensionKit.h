// What an extension in Swift asks of the process that has loaded it.
#ifndef CEXTENSIONKIT_H
#define CEXTENSIONKIT_H

#include <stdint.h>

// The handle of the library that `address` belongs to, which from then on stays in the process; NULL outside of one.
void *CExtensionKit_pin_library(const void *address);

// The last error of the calling thread. Programs that have none, such as unit tests, link all the same: there the
// number is ERROR_INVALID_FUNCTION, and setting it does nothing.
uint32_t CExtensionKit_last_error(void);
void CExtensionKit_set_last_error(uint32_t number);

#endif
