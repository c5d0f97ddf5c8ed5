/* The capitalised spelling that many sources include. */
#include "httpext.h"
