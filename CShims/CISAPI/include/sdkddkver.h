/* The Windows version of a source; without effect here. */
