/* The capitalised spelling that many sources include. */
#include "httpfilt.h"
